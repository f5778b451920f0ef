/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes by descent, so that nothing that a peer starts gets out of sight. Where there is no
 * /proc, no process has children here, and limits are not kept. */
#ifndef YOTONSPEC_FAMILY_H
#define YOTONSPEC_FAMILY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
    pid_t pid, parent;
    uint64_t memory; /* bytes that are in memory */
};

/* Purpose: all processes there are, those that have ended and were not waited for left out. The
 * caller frees the list. */
struct process *all_processes(size_t *count);

/* Purpose: move the descendants of `root`, itself not counted, to the front of the list. Returns
 * how many there are. */
size_t descendants(struct process *list, size_t count, pid_t root);

/* Purpose: be whom the processes below this one come to when their parent ends. */
void adopt_orphans(void);

/* Purpose: end all descendants of `root`. Returns how many there were. Those that are children of
 * this process are waited for; `root` itself is left alone. */
size_t end_descendants(pid_t root);

/* Purpose: how long the threads of a process and of its descendants have waited for a processor in
 * all, in seconds; 0 where the system does not count that. */
double waited_for_processor(pid_t pid);

#endif
