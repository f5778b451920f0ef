/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "context/internal.h"

socklen_t endpoint_size(const struct sockaddr_storage *endpoint) {
    return endpoint->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                           : sizeof(struct sockaddr_in);
}

void endpoint_set_port(struct sockaddr_storage *endpoint, uint16_t port) {
    if (endpoint->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)endpoint)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)endpoint)->sin_port = htons(port);
}

uint16_t endpoint_port(const struct sockaddr_storage *endpoint) {
    return ntohs(endpoint->ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)endpoint)->sin6_port
                     : ((const struct sockaddr_in *)endpoint)->sin_port);
}

void endpoint_text(const struct sockaddr_storage *endpoint, char host[YOTON_ENDPOINT_ROOM]) {
    if (getnameinfo((const struct sockaddr *)endpoint, endpoint_size(endpoint), host,
                    YOTON_ENDPOINT_ROOM, NULL, 0, NI_NUMERICHOST) != 0)
        host[0] = '\0';
}

int socket_make_nonblocking(int fd) {
    int one = 1;
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* a message must not wait */
    return 0;
}

int socket_open(int family) {
    int fd = socket(family, SOCK_STREAM, 0);
    if (fd >= 0 && socket_make_nonblocking(fd) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static bool already_found(const endpoints *found, const struct addrinfo *info) {
    for (size_t i = 0; i < found->count; i++)
        if (memcmp(&found->list[i], info->ai_addr, info->ai_addrlen) == 0)
            return true;
    return false;
}

static void take(const struct addrinfo *list, int family, endpoints *found) {
    const size_t room = sizeof found->list / sizeof *found->list;
    for (const struct addrinfo *info = list; info != NULL; info = info->ai_next)
        if (info->ai_family == family && found->count < room && !already_found(found, info))
            memcpy(&found->list[found->count++], info->ai_addr, info->ai_addrlen);
}

static int look_up(const char *host, int family, uint16_t port, endpoints *found) {
    const struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    int error = getaddrinfo(host, service, &hints, &list);
    if (error != 0)
        return error;
    take(list, AF_INET, found); /* first what the original knows: it hosts and connects there */
    take(list, AF_INET6, found);
    freeaddrinfo(list);
    return found->count > 0 ? 0 : EAI_NONAME;
}

/* ADDR-8: publichost1 is the second of the addresses that this machine's own name has. */
static int look_up_public(unsigned index, uint16_t port, endpoints *found) {
    char name[YOTON_HOST_MAX + 1];
    if (gethostname(name, sizeof name) != 0)
        return EAI_SYSTEM;
    name[sizeof name - 1] = '\0';
    int error = look_up(name, AF_INET, port, found);
    if (error != 0 || index >= found->count)
        return error != 0 ? error : EAI_NONAME;
    found->list[0] = found->list[index];
    found->count = 1;
    return 0;
}

static int resolve_parsed(const yoton_address *address, endpoints *found) {
    if (address->kind == YOTON_HOST_PUBLIC)
        return look_up_public(address->index, address->port, found);
    int family = address->kind == YOTON_HOST_IPV6 ? AF_INET6 : AF_UNSPEC;
    return look_up(address->host, family, address->port, found);
}

int resolve(const char *what, const char *text, endpoints *found) {
    yoton_address address;
    size_t offset = 0;
    const char *why = "";
    memset(found, 0, sizeof *found);
    int error = yoton_address_parse(&address, text, &offset, &why);
    if (error != YOTON_OK)
        return report_error(error, "cannot %s %s: %s at byte %zu; write it as host:port", what,
                            text, why, offset);
    int failed = resolve_parsed(&address, found);
    if (failed != 0)
        return report_error(YOTON_E_ADDRESS, "cannot %s %s: host not found (%s)", what, text,
                            failed == EAI_SYSTEM ? strerror(errno) : gai_strerror(failed));
    return YOTON_OK;
}
