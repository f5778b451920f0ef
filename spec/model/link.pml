/* SPDX-License-Identifier: BSD-2-Clause */
/* Sections 5 and 7, appendix C.1: a client and a host from the first line to the end. Each queues
 * PACKAGES packages, is told to close at any time or never, may lose its socket at any time (LOSS),
 * and a client may say a line that is bad or that has the host's own id, or nothing.
 *
 * Each end reports its end once (LINK-18), nothing is sent behind a close signal (LINK-13), nothing
 * is taken behind one (LINK-15), packages come in order without gap (ROUTE-4), what was queued
 * before a close in the nice way is all there when the other end neither closed nor lost its socket
 * (LINK-12), a host answers good lines only (HS-7, HS-8), and where one end is closed the other does
 * not stay (LINK-14, LINK-17, HS-18, HS-20).
 *
 * Mutants: CLOSE_FIRST (LINK-12), TALKS_ON (LINK-13), STAYS (LINK-14), UNSEEN_END (LINK-17), TWICE
 * (LINK-18), ANSWERS_ALL (HS-7), NO_REFUSAL (HS-20), WAITS_FOR_EVER (HS-18). */
#define PACKAGES 2
#define CLIENT 0
#define HOST 1

mtype = { good_line, bad_line, own_line, error_line, package, close_signal, end_of_stream };
mtype = { waiting, answering, connected, closing, closed };

chan wire[2] = [8] of { mtype, byte }; /* by who sends */
mtype state[2] = { answering, waiting };
byte queued[2] = PACKAGES, sent[2], taken[2], reports[2];
mtype first_line; /* of the client; 0 when it is silent */
bool may_be_told[2], told[2], said_close[2], got_close[2], ended[2], lost[2], refused, other_over[2];

inline send(thing, place) {
    assert(!said_close[me]); /* LINK-13 */
    assert(!ended[me]);
    wire[me]!thing,place
}

/* The socket is closed: the other end reads what is there, and the end of the stream. */
inline hang_up() {
    if
    :: !ended[me] -> wire[me]!end_of_stream,0; ended[me] = true
    :: else
    fi;
    state[me] = closed
}

inline report() { /* LINK-18 */
    reports[me]++;
    assert(reports[me] == 1)
}

proctype side(byte me) {
    mtype what;
    byte number;
end:
    do
    /* --- sending --- */
    :: atomic { state[me] == connected && queued[me] > 0 -> /* ROUTE-4 */
        queued[me]--; sent[me]++; send(package, sent[me]) }
    :: atomic { (state[me] == connected || state[me] == waiting || state[me] == answering) && may_be_told[me] && !told[me] ->
        told[me] = true;
        if
        :: state[me] == connected -> state[me] = closing
        :: else -> report(); hang_up() /* LINK-19 */
        fi }
    :: atomic { state[me] == closing && !said_close[me] && queued[me] > 0 -> /* LINK-12 */
#ifdef CLOSE_FIRST
        queued[me] = 0 }
#else
        queued[me]--; sent[me]++; send(package, sent[me]) }
#endif
    :: atomic { state[me] == closing && !said_close[me] && queued[me] == 0 -> /* LINK-12, LINK-16 */
        send(close_signal, 0);
        said_close[me] = true;
        wire[me]!end_of_stream,0;
        ended[me] = true }
#ifdef TALKS_ON
    :: atomic { said_close[me] && state[me] == closing && sent[me] < 3 -> sent[me]++; send(package, sent[me]) }
#endif
    :: atomic { state[me] == closing && said_close[me] -> report(); hang_up() } /* LINK-22 */

    /* --- receiving --- */
    :: atomic { state[me] != closed && nempty(wire[1 - me]) ->
        wire[1 - me]?what,number;
        if
        :: state[me] == waiting && what == good_line -> send(good_line, 0); state[me] = connected /* HS-7 */
#ifdef ANSWERS_ALL
        :: state[me] == waiting && what == bad_line -> send(good_line, 0); state[me] = connected
#else
        :: state[me] == waiting && what == bad_line -> /* HS-12, HS-13, HS-20 */
            send(error_line, 0);
            refused = true;
#ifndef NO_REFUSAL
            hang_up()
#endif
#endif
        :: state[me] == waiting && what == own_line -> /* HS-27 */
            send(own_line, 0); refused = true; hang_up()
        :: state[me] == waiting && what == end_of_stream -> refused = true; hang_up() /* HS-18 */
        :: state[me] == answering && what == good_line -> state[me] = connected
        :: state[me] == answering && what == error_line && first_line == bad_line ->
            skip /* a stranger, who waits for the end of the stream */
        :: state[me] == answering && what != good_line &&
               (what != error_line || first_line != bad_line) ->
            report(); hang_up() /* HS-23, HS-24, HS-28 */
        :: state[me] == connected && what == package -> /* LINK-15, ROUTE-7 */
            assert(!got_close[me]);
            taken[me]++;
            assert(taken[me] == number)
        :: state[me] == closing && what == package -> skip /* LINK-24 */
        :: (state[me] == connected || state[me] == closing) && what == close_signal -> /* LINK-14 */
            got_close[me] = true;
#ifndef STAYS
            report();
#ifdef TWICE
            report();
#endif
            hang_up()
#endif
        :: (state[me] == connected || state[me] == closing) && what == end_of_stream -> /* LINK-17 */
            other_over[me] = true;
#ifdef UNSEEN_END
            skip
#elif defined(STAYS)
            if
            :: !got_close[me] -> report(); hang_up()
            :: else
            fi
#else
            report();
            hang_up()
#endif
        :: (state[me] == connected || state[me] == closing) && what != package &&
               what != close_signal && what != end_of_stream -> assert(false)
        fi }

    /* --- a silent client is given up after 2 s --- */
#ifndef WAITS_FOR_EVER
    :: atomic { me == HOST && state[me] == waiting && !refused && empty(wire[CLIENT]) -> refused = true; hang_up() } /* HS-18 */
#endif
#ifdef LOSS
    :: atomic { state[me] != closed && !lost[me] -> lost[me] = true; report(); hang_up() }
#endif
    od
}

proctype auditor() {
    timeout -> atomic {
        assert(state[HOST] != connected || first_line == good_line); /* HS-7, HS-8 */
        /* where one is gone, the other does not stay */
        assert((state[CLIENT] == closed) == (state[HOST] == closed));
        assert(state[CLIENT] != closed || reports[CLIENT] == 1);
        assert(state[HOST] != closed || reports[HOST] == 1 || refused);
        /* a good handshake leads to a connection at both ends, or to none */
        assert(state[CLIENT] == closed || state[CLIENT] == connected);
        assert(state[CLIENT] == state[HOST]);
        /* what was queued before a nice close, or never closed, is there */
        assert(told[HOST] || lost[CLIENT] || lost[HOST] || refused || sent[CLIENT] == 0 ||
               taken[HOST] == PACKAGES);
        assert(told[CLIENT] || lost[CLIENT] || lost[HOST] || refused || sent[HOST] == 0 ||
               taken[CLIENT] == PACKAGES)
    }
}

init {
    atomic {
        if /* HS-1: the client speaks first */
        :: first_line = good_line
        :: first_line = bad_line
        :: first_line = own_line
        :: first_line = 0
        fi;
        if
        :: first_line != 0 -> wire[CLIENT]!first_line,0
        :: else
        fi;
        if
        :: may_be_told[CLIENT] = true
        :: skip
        fi;
        if
        :: may_be_told[HOST] = true
        :: skip
        fi;
        run side(CLIENT); run side(HOST); run auditor()
    }
}
