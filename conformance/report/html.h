/* SPDX-License-Identifier: BSD-2-Clause */
/* What index.html carries with it. */
#ifndef YOTONSPEC_HTML_H
#define YOTONSPEC_HTML_H

extern const char html_style[];
extern const char html_script[];

#endif
