/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything the library offers. */
#ifndef YOTON_YOTON_H
#define YOTON_YOTON_H

#include "yoton/channels.h"
#include "yoton/clientserver.h"
#include "yoton/connection.h"
#include "yoton/context.h"
#include "yoton/error.h"
#include "yoton/events.h"
#include "yoton/file.h"
#include "yoton/frame.h"
#include "yoton/handshake.h"
#include "yoton/link.h"
#include "yoton/names.h"
#include "yoton/node.h"
#include "yoton/object.h"
#include "yoton/package.h"
#include "yoton/pubsub.h"
#include "yoton/reqrep.h"
#include "yoton/socket.h"
#include "yoton/state.h"

#endif
