/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of cases, one file each; yotonspec knows those that are listed here, in this order. */
#ifndef YOTONSPEC_CASES_H
#define YOTONSPEC_CASES_H

#include "engine/case.h"

#define CASE_FILES(X)                                                                              \
    X(address_cases)                                                                               \
    X(handshake_cases)                                                                             \
    X(framing_cases)                                                                               \
    X(link_cases)                                                                                  \
    X(close_cases)                                                                                 \
    X(routing_cases)                                                                               \
    X(context_cases)                                                                               \
    X(messages_cases)                                                                              \
    X(objects_cases)                                                                               \
    X(sync_cases)                                                                                  \
    X(requests_cases)                                                                              \
    X(replies_cases)                                                                               \
    X(state_cases)                                                                                 \
    X(client_server_cases)                                                                         \
    X(limits_cases)

#define DECLARE_CASES(table) extern const struct test_case *const table[];
CASE_FILES(DECLARE_CASES)
#undef DECLARE_CASES

#endif
