/* SPDX-License-Identifier: BSD-2-Clause */
/* Replays inputs through a fuzz target, without any fuzzer: every file named, and every file in the
 * folders named, in the order of their names. Says how many ran; when one is found wanting, its
 * name. */
#define _DEFAULT_SOURCE /* scandir, MAP_ANONYMOUS */

#include <dirent.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

/* Inputs run in a child. However it dies (a signal, a sanitizer, exit), its parent finds here at
 * which input. */
static struct shared {
    char present[4096]; /* the input that runs now */
    unsigned long ran;
} * shared;

static int fail(const char *path) {
    fprintf(stderr, "runner: %s: %s\n", path, strerror(errno));
    return 1;
}

static int run_file(const char *path, size_t size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return fail(path);
    uint8_t *data = malloc(size > 0 ? size : 1);
    size_t got = data != NULL ? fread(data, 1, size, file) : 0;
    fclose(file);
    if (got != size) {
        free(data);
        errno = data == NULL ? ENOMEM : EIO;
        return fail(path);
    }
    snprintf(shared->present, sizeof shared->present, "%s", path);
    LLVMFuzzerTestOneInput(data, size);
    shared->present[0] = '\0';
    free(data);
    shared->ran++;
    return 0;
}

static int run_path(const char *path);

static int run_entry(const char *folder, const char *name) {
    char path[4096];
    if (name[0] == '.')
        return 0;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path) {
        errno = ENAMETOOLONG;
        return fail(folder);
    }
    return run_path(path);
}

static int run_folder(const char *path) {
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    int result = count < 0 ? fail(path) : 0;
    for (int i = 0; i < count; i++) {
        result |= run_entry(path, entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return result;
}

static int run_path(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0)
        return fail(path);
    return S_ISDIR(status.st_mode) ? run_folder(path) : run_file(path, (size_t)status.st_size);
}

static int run_paths(int count, char **paths) {
    int result = 0;
    for (int i = 0; i < count; i++)
        result |= run_path(paths[i]);
    return result;
}

/* What came of the child: 0 when every input ran and none was found wanting. */
static int judge(int status) {
    int result = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    if (WIFSIGNALED(status))
        fprintf(stderr, "runner: killed by signal %d\n", WTERMSIG(status));
    if (shared->present[0] != '\0')
        fprintf(stderr, "failing input: %s\n", shared->present);
    printf("%lu inputs ran\n", shared->ran);
    if (shared->ran == 0 && result == 0) {
        fprintf(stderr, "runner: no inputs there\n");
        result = 1;
    }
    return result;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE|FOLDER...\n", argv[0]);
        return 2;
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = shared != MAP_FAILED ? fork() : -1;
    if (child == 0)
        return run_paths(argc - 1, argv + 1);
    int status;
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return fail("no process to run inputs in");
    return judge(status);
}
