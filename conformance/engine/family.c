/* SPDX-License-Identifier: BSD-2-Clause */
#define _DEFAULT_SOURCE
#include "engine/family.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "engine/util.h"

enum { ROUNDS = 100 }; /* ending one may show its children; whoever forks on is met again */

/* The fields of /proc/PID/stat behind the name, which may hold anything but is the last to end in a
 * bracket: state, parent, and the pages in memory as the 24th of all. */
static int read_process(const char *pid, struct process *process) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    const char *rest = strrchr(text, ')');
    char state;
    int parent;
    long pages;
    if (rest == NULL || sscanf(rest + 1,
                               " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                               "%*s %*s %*s %*s %ld",
                               &state, &parent, &pages) != 3)
        return 0;
    process->pid = (pid_t)atol(pid);
    process->parent = parent;
    process->memory = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return state != 'Z' && state != 'X';
}

struct process *all_processes(size_t *count) {
    struct process *list = NULL;
    size_t places = 0;
    *count = 0;
    DIR *folder = opendir("/proc");
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (!isdigit((unsigned char)*entry->d_name))
            continue;
        if (*count == places) {
            places = places ? places * 2 : 128;
            list = more_room(list, places * sizeof *list);
        }
        *count += read_process(entry->d_name, &list[*count]) != 0;
    }
    if (folder != NULL)
        closedir(folder);
    return list;
}

size_t descendants(struct process *list, size_t count, pid_t root) {
    size_t found = 0, looked = 0;
    for (pid_t parent = root;; parent = list[looked++].pid) {
        for (size_t i = found; i < count; i++) {
            if (list[i].parent == parent) {
                struct process one = list[i];
                list[i] = list[found];
                list[found++] = one;
            }
        }
        if (looked == found)
            return found;
    }
}

void adopt_orphans(void) {
#ifdef __linux__
    prctl(PR_SET_CHILD_SUBREAPER, 1);
#endif
}

size_t end_descendants(pid_t root) {
    size_t ended = 0;
    for (int round = 0; round < ROUNDS; round++) {
        size_t count;
        struct process *list = all_processes(&count);
        size_t found = descendants(list, count, root);
        for (size_t i = 0; i < found; i++)
            kill(list[i].pid, SIGKILL);
        for (size_t i = 0; i < found; i++)
            if (list[i].parent == getpid())
                waitpid(list[i].pid, NULL, 0);
        free(list);
        if (found == 0)
            break;
        ended = found > ended ? found : ended;
    }
    return ended;
}

/* ---- Waiting for a processor ---- */

static double waited_by_process(pid_t pid) {
    char *folder = text_of("/proc/%ld/task", (long)pid);
    DIR *tasks = opendir(folder);
    double total = 0;
    for (struct dirent *task; tasks != NULL && (task = readdir(tasks)) != NULL;) {
        unsigned long long ran, waited;
        char *path = text_of("%s/%s/schedstat", folder, task->d_name);
        FILE *file = task->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (file != NULL && fscanf(file, "%llu %llu", &ran, &waited) == 2)
            total += (double)waited / 1e9;
        if (file != NULL)
            fclose(file);
        free(path);
    }
    if (tasks != NULL)
        closedir(tasks);
    free(folder);
    return total;
}

double waited_for_processor(pid_t pid) {
    size_t count;
    struct process *list = all_processes(&count);
    size_t found = descendants(list, count, pid);
    double total = waited_by_process(pid);
    for (size_t i = 0; i < found; i++)
        if (list[i].pid != pid)
            total += waited_by_process(list[i].pid);
    free(list);
    return total;
}
