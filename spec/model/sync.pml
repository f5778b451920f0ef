/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 12.1, with thresholds of 2 and 1 instead of 32 and 16: a pub channel sends MESSAGES
 * messages to a sub channel in sync mode, which reads or does not. No send is held for ever: all
 * are sent at the end, whatever the reader does; and there is an end.
 *
 * With DIES the sub channel may be gone at any time, behind whatever it said last. PATIENT takes
 * the 1 s away after which a held send goes anyway (SYNC-5), so that only words and the 10 s of
 * SYNC-7 release it.
 *
 * Mutants: NO_OK (SYNC-2, with PATIENT), FOR_EVER (SYNC-7, with PATIENT and DIES). SAYS_FULL asserts
 * that the queue never grows above the threshold, which is false, so that all this is not for
 * nothing. */
#define MESSAGES 5
#define HIGH 2
#define LOW 1

mtype = { is_full, is_ok };
chan messages = [MESSAGES] of { bit };
chan words = [4] of { mtype };
byte sent, queue, most;
bool told_full, gone, said_full; /* what the pub channel believes; of the sub channel */

proctype pub() {
    mtype word;
end:
    do
    :: atomic { words?word -> told_full = (word == is_full) } /* SYNC-5, SYNC-6 */
    :: atomic { sent < MESSAGES && !told_full -> messages!1; sent++ }
#ifndef PATIENT
    :: atomic { sent < MESSAGES && told_full -> messages!1; sent++ } /* SYNC-5: after 1 s */
#endif
#ifndef FOR_EVER
    :: atomic { told_full && gone && empty(words) -> told_full = false } /* SYNC-7: after 10 s */
#endif
    od
}

inline look() { /* SYNC-1, SYNC-2 */
    if
    :: queue > HIGH && !said_full -> words!is_full; said_full = true
#ifndef NO_OK
    :: queue < LOW && said_full -> words!is_ok; said_full = false
#endif
    :: else
    fi
}

proctype sub() {
    bit message;
end:
    do
    :: atomic { !gone && messages?[message] -> messages?message; queue++;
        if
        :: queue > most -> most = queue
        :: else
        fi;
        look() }
    :: atomic { !gone && queue > 0 -> queue--; look() } /* SYNC-3: a look at every receive */
#ifdef DIES
    :: atomic { !gone -> gone = true }
#endif
    od
}

proctype auditor() {
    timeout -> atomic {
        assert(sent == MESSAGES);
        assert(gone || queue == 0);
        assert(gone || !told_full);
#ifdef SAYS_FULL
        assert(most <= HIGH) /* false: what shows that `full` is ever said */
#endif
    }
}

init { atomic { run pub(); run sub(); run auditor() } }
