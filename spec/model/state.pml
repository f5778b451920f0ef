/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 14: contexts 0 and 1, connected, share a state; context 2 connects to context 0 at some
 * time. With SETTERS 1 only context 0 sets, up to SETS times; with 2 both do.
 *
 * What is guaranteed: at the end everybody, the newcomer too, has a state that somebody set
 * (STATE-3, STATE-5); with one setter and no newcomer (ALONE) all have the last one.
 * What is not, and AGREE shows it: with two setters all have the same in the end. With one setter
 * and a newcomer neither: what another member sends again (STATE-5) may be older than what the
 * setter has said meanwhile, and comes after it. Section 14 warns of both.
 *
 * Mutants: NO_RESEND (STATE-5), KEEPS_FIRST (STATE-3, with ALONE), OWN_NOT_TAKEN (STATE-1, with
 * ALONE). */
#ifndef SETTERS
#define SETTERS 1
#endif
#define SETS 2
#define ROOM 8

chan link[9] = [ROOM] of { byte, byte }; /* from * 3 + to: source, state; 0: NEW_CONNECTION */
byte current[3], sets, last_set;
byte seen[9]; /* no loop here: of each source all packages come on one connection, in order */
bool joined; /* context 2 is connected */

inline tell(from, to, source, value) {
    if
    :: (from + to == 1) || (joined && from + to == 2) -> link[from * 3 + to]!source,value
    :: else
    fi
}

inline publish(value) {
    tell(me, (me + 1) % 3, me, value);
    tell(me, (me + 2) % 3, me, value)
}

proctype context(byte me) {
    byte source, value, from;
end:
    do
    :: atomic { /* STATE-1, STATE-2 */
        me < SETTERS && sets < SETS ->
        sets++;
        last_set = sets;
#ifndef OWN_NOT_TAKEN
        current[me] = sets;
#endif
        publish(sets) }
    :: atomic {
        if
        :: link[((me + 1) % 3) * 3 + me]?source,value -> from = (me + 1) % 3
        :: link[((me + 2) % 3) * 3 + me]?source,value -> from = (me + 2) % 3
        fi;
        if
        :: value == 0 -> /* STATE-5; CTX-3 */
#ifndef NO_RESEND
            if
            :: current[me] != 0 -> value = current[me]; publish(value); value = 0
            :: else
            fi
#else
            skip
#endif
#ifdef KEEPS_FIRST
        :: value != 0 && current[me] != 0 -> skip
        :: value != 0 && current[me] == 0 -> current[me] = value
#else
        :: value != 0 -> current[me] = value /* STATE-3 */
#endif
        fi;
        /* ROUTE-13: the hub is 0 */
        if
        :: me == 0 && from == 1 -> tell(0, 2, source, value)
        :: me == 0 && from == 2 -> tell(0, 1, source, value)
        :: else
        fi;
        source = 0; value = 0; from = 0 }
#ifndef ALONE
    :: atomic { me == 2 && !joined -> joined = true; publish(0) } /* CTX-1; STATE-6: it has none */
#endif
    od
}

proctype auditor() {
    timeout -> atomic {
#ifdef ALONE
        assert(current[0] == last_set && current[1] == last_set)
#else
        assert(current[0] != 0 && current[1] != 0 && current[2] != 0);
#ifdef AGREE
        assert(current[0] == current[1] && current[1] == current[2])
#endif
#endif
    }
}

init { atomic { run context(0); run context(1); run context(2); run auditor() } }
