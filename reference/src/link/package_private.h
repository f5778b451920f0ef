/* SPDX-License-Identifier: BSD-2-Clause */
/* What the link needs of a package while its payload is still coming in. */
#ifndef YOTON_PACKAGE_PRIVATE_H
#define YOTON_PACKAGE_PRIVATE_H

#include <stdint.h>

#include "yoton/package.h"

/* Purpose: make a package with room for `room` bytes of payload only, whatever header->length says.
 * Returns a package with one reference, or NULL when memory is short. */
yoton_package *yoton_package_start(const yoton_header *header, uint64_t room);

/* Purpose: change the room of a package nobody else holds yet; what is in it stays.
 * Returns the package, perhaps at another address, or NULL with the old one untouched. */
yoton_package *yoton_package_resize(yoton_package *package, uint64_t room);

#endif
