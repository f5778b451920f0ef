/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 13: REQUESTERS requesters and REPLIERS repliers, each connected to each, one request a
 * requester, offered up to OFFERS times, and cancelled at any time or not. No replier executes what
 * another does, or what was cancelled; at the end every request is answered or cancelled and every
 * replier is free with nothing on its list; and there is an end.
 *
 * With DIES, requester 0 may go at any time, and what it said before still comes: 10 s after its
 * `req!` a replier is free again.
 *
 * Mutants: TWICE (REQREP-6: a second req! counts, too), NO_WITHDRAWAL (REQREP-8), CANCEL_SILENT
 * (REQREP-11), CANCEL_TAKEN (REQREP-13), NOT_STRUCK (REQREP-17: req- does not free), BUSY_ANSWERS
 * (REQREP-16), NO_TIME_OUT (REQREP-17, with DIES). */
#ifndef REQUESTERS
#define REQUESTERS 2
#endif
#ifndef REPLIERS
#define REPLIERS 2
#endif
#ifndef OFFERS
#define OFFERS 2
#endif
#define NOBODY 7

mtype = { offer, withdraw, request, take, reply };
/* Requester to replier, and back: requester * REPLIERS + replier. */
chan there[6] = [4] of { mtype };
chan back[6] = [4] of { mtype };

byte executed[REQUESTERS], answered[REQUESTERS], state[REQUESTERS];
#define NEW 0
#define OFFERED 1
#define TAKEN 2
#define CANCELLED 3
#define ANSWERED 4
#define GONE 5
byte awaited[REPLIERS]; /* whose request it waits for */
byte given[REPLIERS];   /* requests under way to it */
byte listed[REPLIERS];  /* requests on its list, a bit each */

inline to_all(word) {
    for (i : 0 .. REPLIERS - 1) {
        there[me * REPLIERS + i]!word
    }
}

proctype requester(byte me) {
    byte i, who, offers;
    mtype word;
end:
    do
    :: atomic { state[me] == NEW -> to_all(offer); offers = 1; state[me] = OFFERED } /* REQREP-4 */
    :: atomic { /* REQREP-5 */
        state[me] == OFFERED && offers < OFFERS &&
            nfull(there[me * REPLIERS]) && nfull(there[me * REPLIERS + REPLIERS - 1]) ->
        to_all(offer); offers++ }
    :: atomic {
        if
        :: back[me * REPLIERS]?word -> who = 0
        :: back[me * REPLIERS + 1]?word -> who = 1
#if REPLIERS == 3
        :: back[me * REPLIERS + 2]?word -> who = 2
#endif
        fi;
        if
#ifdef TWICE
        :: word == take && (state[me] == OFFERED || state[me] == TAKEN) ->
#else
        :: word == take && state[me] == OFFERED -> /* REQREP-6, REQREP-8 */
#endif
            there[me * REPLIERS + who]!request;
            given[who]++;
            assert(given[who] == 1); /* REQREP-16: nobody queues at one who is busy */
            state[me] = TAKEN;
#ifndef NO_WITHDRAWAL
            to_all(withdraw)
#endif
        :: word == reply && state[me] == TAKEN -> answered[me]++; state[me] = ANSWERED
        :: else /* REQREP-9 */
        fi;
        who = 0; word = 0 }
    :: atomic { /* REQREP-11 */
#ifdef CANCEL_TAKEN
        state[me] == OFFERED || state[me] == TAKEN ->
#else
        state[me] == OFFERED ->
#endif
#ifndef CANCEL_SILENT
        to_all(withdraw);
#endif
        state[me] = CANCELLED }
#ifdef DIES
    :: atomic { me == 0 && state[me] != GONE -> state[me] = GONE }
#endif
    od
}

inline look() { /* REQREP-15: the head of the list, which here is any, as orders of arrival are many */
    if
#ifdef BUSY_ANSWERS
    :: listed[me] & 1 ->
#else
    :: awaited[me] == NOBODY && (listed[me] & 1) ->
#endif
        back[0 * REPLIERS + me]!take; awaited[me] = 0; listed[me] = listed[me] & 254
#ifdef BUSY_ANSWERS
    :: listed[me] & 2 ->
#else
    :: awaited[me] == NOBODY && (listed[me] & 2) ->
#endif
        back[1 * REPLIERS + me]!take; awaited[me] = 1; listed[me] = listed[me] & 253
    :: else
    fi
}

proctype replier(byte me) {
    byte from;
    mtype word;
end:
    do
    :: atomic {
        if
        :: there[0 * REPLIERS + me]?word -> from = 0
        :: there[1 * REPLIERS + me]?word -> from = 1
        fi;
        if
        :: word == offer -> listed[me] = listed[me] | (1 << from) /* REQREP-14 */
        :: word == withdraw -> /* REQREP-14, REQREP-17 */
            listed[me] = listed[me] & (255 - (1 << from));
            if
#ifndef NOT_STRUCK
            :: awaited[me] == from -> awaited[me] = NOBODY
#endif
            :: else
            fi
        :: word == request -> /* REQREP-18 */
            executed[from]++;
            given[me]--;
            assert(executed[from] == 1);
            back[from * REPLIERS + me]!reply;
            if
            :: awaited[me] == from -> awaited[me] = NOBODY /* REQREP-17 */
            :: else
            fi
        fi;
        look();
        from = 0; word = 0 }
#ifndef NO_TIME_OUT
    :: atomic { /* REQREP-17: 10 s, longer than anything takes but a requester that is gone */
        awaited[me] != NOBODY && state[awaited[me]] == GONE &&
            empty(there[awaited[me] * REPLIERS + me]) ->
        awaited[me] = NOBODY;
        look() }
#endif
    od
}

proctype auditor() {
    byte i;
    timeout -> atomic {
        for (i : 0 .. REQUESTERS - 1) {
            assert(state[i] == CANCELLED || state[i] == ANSWERED || state[i] == GONE);
            assert(state[i] != ANSWERED || (answered[i] == 1 && executed[i] == 1));
            assert(state[i] != CANCELLED || executed[i] == 0)
        }
        for (i : 0 .. REPLIERS - 1) {
            assert(awaited[i] == NOBODY); /* none waits for ever */
            assert(state[0] == GONE || listed[i] == 0)
        }
    }
}

init {
    byte i;
    atomic {
        for (i : 0 .. REPLIERS - 1) { awaited[i] = NOBODY }
        for (i : 0 .. REQUESTERS - 1) { run requester(i) }
        for (i : 0 .. REPLIERS - 1) { run replier(i) }
        run auditor()
    }
}
