/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 8: three nodes in a ring, each connected to both others; or, with LINE, 0 and 2 only to 1
 * between them. Node 0 makes FIRST packages, the others OTHERS each, for everybody or for one. At the end every package was deposited once wherever it had to be, and
 * nowhere else; and there is an end.
 *
 * Mutants: WITHOUT_MEMORY (ROUTE-7), TAKES_OWN (ROUTE-19), DIRECTED_STOPS (ROUTE-11),
 * EVERYBODY_TAKES (ROUTE-12), KEEPS_IT (ROUTE-8). */
#ifndef FIRST
#define FIRST 1
#define OTHERS 1
#endif
#define makes(node) (node == 0 -> FIRST : OTHERS)
#define NODES 3
#define EVERYBODY NODES
#define ROOM 8 /* in a connection: more than can be under way at once */

chan connection[9] = [ROOM] of { byte, byte, byte }; /* from * NODES + to: source, seq, dest */
byte made[NODES];                  /* source_seq of the last own package, ROUTE-2 */
byte highest[9];                   /* node * NODES + source, ROUTE-7 */
byte deposited[27];                /* (source * NODES + seq - 1) * NODES + node */
byte for_whom[9];                  /* source * NODES + seq - 1 */

#ifdef LINE
#define joined(a, b) (a == 1 || b == 1)
#else
#define joined(a, b) true
#endif

inline send_to(from, to, source, seq, dest) {
    if
    :: joined(from, to) ->
        assert(nfull(connection[from * NODES + to]));
        connection[from * NODES + to]!source,seq,dest
    :: else
    fi
}

proctype node(byte me) {
    byte next = (me + 1) % NODES, last = (me + 2) % NODES;
    byte from, onward, source, seq, dest;
end:
    do
    :: atomic { /* ROUTE-1 to ROUTE-5: an own package goes out on every connection */
        made[me] < makes(me) ->
        made[me]++;
        if
        :: dest = EVERYBODY
        :: dest = next
        :: dest = last
        fi;
        for_whom[me * NODES + made[me] - 1] = dest;
        send_to(me, next, me, made[me], dest);
        send_to(me, last, me, made[me], dest);
        dest = 0
       }
    :: atomic {
        if
        :: connection[next * NODES + me]?source,seq,dest -> from = next; onward = last
        :: connection[last * NODES + me]?source,seq,dest -> from = last; onward = next
        fi;
        if
#ifndef TAKES_OWN
        :: source == me -> skip /* ROUTE-19 */
        :: source != me &&
#else
        ::
#endif
#ifndef WITHOUT_MEMORY
           seq <= highest[me * NODES + source] -> skip /* ROUTE-7 */
        :: source != me &&
           seq > highest[me * NODES + source] ->
#else
           true ->
#endif
            highest[me * NODES + source] = seq;
            if
#ifdef EVERYBODY_TAKES
            :: true ->
#else
            :: dest == EVERYBODY || dest == me -> /* ROUTE-8, ROUTE-9, ROUTE-12 */
#endif
                deposited[(source * NODES + seq - 1) * NODES + me]++;
                assert(deposited[(source * NODES + seq - 1) * NODES + me] == 1);
                assert(source != me) /* ROUTE-6 */
#ifndef EVERYBODY_TAKES
            :: else
#endif
            fi;
            if
#if defined(DIRECTED_STOPS)
            :: dest == EVERYBODY -> send_to(me, onward, source, seq, dest)
#elif defined(KEEPS_IT)
            :: dest != EVERYBODY && dest != me -> send_to(me, onward, source, seq, dest)
#else
            :: dest != me -> send_to(me, onward, source, seq, dest) /* ROUTE-11, ROUTE-13, ROUTE-14 */
#endif
            :: else /* ROUTE-10 */
            fi
#ifdef TAKES_OWN
        :: source == me && seq > highest[me * NODES + source] ->
            highest[me * NODES + source] = seq;
            deposited[(source * NODES + seq - 1) * NODES + me]++;
            assert(source != me)
#endif
        fi;
        source = 0; seq = 0; dest = 0; from = 0; onward = 0
       }
    od
}

/* When nobody can do anything any more: is everything where it has to be? */
proctype auditor() {
    byte source, seq, at, dest;
    timeout -> atomic {
        for (source : 0 .. NODES - 1) {
            assert(made[source] == makes(source));
            for (seq : 1 .. made[source]) {
                dest = for_whom[source * NODES + seq - 1];
                for (at : 0 .. NODES - 1) {
                    if
                    :: at != source && (dest == EVERYBODY || dest == at) ->
                        assert(deposited[(source * NODES + seq - 1) * NODES + at] == 1)
                    :: else -> assert(deposited[(source * NODES + seq - 1) * NODES + at] == 0)
                    fi
                }
            }
        }
    }
}

init {
    atomic { run node(0); run node(1); run node(2); run auditor() }
}
