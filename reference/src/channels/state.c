/* SPDX-License-Identifier: BSD-2-Clause */
#include "channels/state.h"

#include <string.h>

void state_cell_clear(state_cell *cell) {
    yoton_package_unref(cell->current);
    cell->current = NULL;
}

void state_cell_arrive(state_cell *cell, yoton_package *package) { /* STATE-3 */
    yoton_package_ref(package);
    state_cell_clear(cell);
    cell->current = package;
}

bool state_cell_set(state_cell *cell, yoton_package *package) {
    uint64_t size = yoton_package_header(package)->length;
    if (cell->current != NULL && yoton_package_header(cell->current)->length == size &&
        memcmp(yoton_package_payload(cell->current), yoton_package_payload(package),
               (size_t)size) == 0)
        return false; /* STATE-2 */
    state_cell_arrive(cell, package);
    return true; /* STATE-1 */
}

int state_cell_again(const state_cell *cell, yoton_package **package) { /* STATE-5 */
    *package = NULL;
    if (cell->current == NULL)
        return YOTON_OK;
    const yoton_header *held = yoton_package_header(cell->current);
    const yoton_header header = {.slot = held->slot, .length = held->length};
    *package = yoton_package_new(&header, yoton_package_payload(cell->current));
    return *package != NULL ? YOTON_OK : YOTON_E_NOMEM;
}
