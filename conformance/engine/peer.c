/* SPDX-License-Identifier: BSD-2-Clause */
#define _POSIX_C_SOURCE 200809L
#include "engine/peer.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wordexp.h>

#include "engine/util.h"
#include "yoton/names.h"

const char *program_folder(void) {
    static char path[PATH_MAX + 1];
    ssize_t size = readlink("/proc/self/exe", path, PATH_MAX);
    path[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return ".";
    *slash = '\0';
    return path;
}

static bool readable(const char *path) { return access(path, R_OK) == 0; }

static const char *from_environment(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : otherwise;
}

static char **words(char *first, char *second) {
    char **list = room(3 * sizeof *list);
    list[0] = first;
    list[1] = second;
    return list;
}

static const char *reference(struct peer *peer, bool *missing) {
    char *program = text_of("%s/yoton", program_folder());
    const char *chosen = from_environment("YOTON_BIN", program);
    peer->command = words(copy_of(chosen, strlen(chosen)), "agent");
    if (access(chosen, X_OK) == 0)
        return NULL;
    *missing = true;
    return text_of("peer reference: %s is not there; build it by `make`, or set YOTON_BIN", chosen);
}

static const char *pyzo(struct peer *peer, bool *missing) {
    char *beside = text_of("%s/../conformance/peers", program_folder());
    const char *folder = from_environment("YOTONSPEC_PEERS", beside);
    char *adapter = text_of("%s/pyzo_adapter.py", folder);
    peer->command = words("/usr/bin/python3", adapter);
    *missing = true;
    if (!readable(adapter))
        return text_of("peer pyzo: its adapter %s is not there; set YOTONSPEC_PEERS to the folder "
                       "that holds pyzo_adapter.py",
                       adapter);
    char *unpacked = text_of("%s/peer/pyzo/usr/share/pyzo/pyzo", program_folder());
    const char *package = from_environment("YOTON_PATH", unpacked);
    if (!readable(text_of("%s/yoton/__init__.py", package)))
        return text_of("peer pyzo: no package `yoton` in %s; fetch it by `make setup`, or set "
                       "YOTON_PATH to the folder that holds it",
                       package);
    setenv("YOTON_PATH", package, 1);
    *missing = false;
    return NULL;
}

static const char *node(struct peer *peer, bool *missing) {
    char *beside = text_of("%s/../conformance/peers", program_folder());
    const char *folder = from_environment("YOTONSPEC_PEERS", beside);
    char *adapter = text_of("%s/node_adapter.mjs", folder);
    const char *program = from_environment("NODE", "node");
    peer->command = words(copy_of(program, strlen(program)), adapter);
    peer->hint = "install Debian's package nodejs, or name the program by NODE";
    if (readable(adapter))
        return NULL;
    *missing = true;
    return text_of("peer node: its adapter %s is not there; set YOTONSPEC_PEERS to the folder that "
                   "holds node_adapter.mjs",
                   adapter);
}

const char *peer_by_name(struct peer *peer, const char *name, bool *missing) {
    *peer = (struct peer){.name = name};
    if (strcmp(name, "reference") == 0)
        return reference(peer, missing);
    if (strcmp(name, "pyzo") == 0)
        return pyzo(peer, missing);
    if (strcmp(name, "node") == 0)
        return node(peer, missing);
    return text_of("--peer %s: known are reference, pyzo and node; drive another by --command",
                   name);
}

const char *peer_by_command(struct peer *peer, const char *command) {
    *peer = (struct peer){.name = "command", .hint = "see conformance/ADAPTER.md"};
    wordexp_t found;
    int error = wordexp(command, &found, WRDE_NOCMD | WRDE_UNDEF);
    if (error == WRDE_NOSPACE || (error == 0 && found.we_wordc == 0))
        return text_of("--command: there is no command in it");
    if (error != 0)
        return text_of("--command %s: cannot be taken apart (%s); quote special characters, or "
                       "name a script",
                       command,
                       error == WRDE_BADVAL   ? "a variable is not set"
                       : error == WRDE_CMDSUB ? "it calls other commands"
                       : error == WRDE_SYNTAX ? "a quote or bracket is not closed"
                                              : "one of | & ; < > ( ) { }");
    peer->command = found.we_wordv;
    return NULL;
}

const char *peer_by_address(struct peer *peer, const char *address) {
    *peer = (struct peer){.name = "address", .address = address};
    yoton_address parts;
    const char *why = "it is not HOST:PORT";
    if (yoton_address_parse(&parts, address, NULL, &why) != 0)
        return text_of("--address %s: %s; give HOST:PORT", address, why);
    if (parts.kind == YOTON_HOST_PUBLIC)
        return text_of("--address %s: name the host itself", address);
    peer->host = copy_of(parts.host, strlen(parts.host));
    peer->port = parts.port;
    return NULL;
}
