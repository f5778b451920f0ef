#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The library in the folder $BUILD (build unless said) as a program meets it: exported names, headers, installed files.
Prints TAP."""
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import traceback

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.join(TOP, os.environ.get("BUILD", "build"))
INCLUDE = os.path.join(TOP, "reference", "include")
HEADERS = sorted(os.listdir(os.path.join(INCLUDE, "yoton")))
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
C_COMPILERS = (["gcc", "-std=c17"], ["clang", "-std=c17"])
CXX_COMPILERS = (["g++", "-std=c++11"], ["clang++", "-std=c++11"])
DECLARED = re.compile(r"^/\* (?P<path>[^\n]+?):\d+:\w+ \*/ [^\n(]*?(?P<name>\w+) \(", re.M)
PATIENCE = 120

# Floor 1 and floor 4, of which the second needs every library that ours is linked with.
C_PROGRAM = r"""
#include <stdio.h>
#include <yoton/context.h>
#include <yoton/names.h>

int main(void) {
    uint64_t slot = 0;
    yoton_context *context = NULL;
    if (yoton_slot_hash(" Foo.TXT.Pub-Sub", 16, &slot) != YOTON_OK)
        return 1;
    if (yoton_context_new(NULL, &context) != YOTON_OK) {
        puts(yoton_error_text());
        return 1;
    }
    printf("%llu %d %zu\n", (unsigned long long)slot, yoton_context_id(context) != 0, yoton_context_connection_count(context));
    yoton_context_free(context);
    return 0;
}
"""
CXX_PROGRAM = r"""
#include <iostream>
#include <memory>
#include <string>
#include <yoton/yoton.h>

int main() {
    yoton_context *made = nullptr;
    if (yoton_context_new(nullptr, &made) != YOTON_OK)
        return 1;
    std::unique_ptr<yoton_context, void (*)(yoton_context *)> context(made, yoton_context_free);
    std::string name = " Foo.TXT.Pub-Sub";
    uint64_t slot = 0;
    if (yoton_slot_hash(name.data(), name.size(), &slot) != YOTON_OK)
        return 1;
    std::cout << slot << ' ' << (yoton_context_id(made) != 0) << ' ' << yoton_context_connection_count(made) << '\n';
}
"""
ANSWER = "15285871923228 1 0\n"


def run(command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False, **more)
    assert done.returncode == 0, "%s: exit status %d\n%s%s" % (shlex.join(command), done.returncode, done.stdout, done.stderr)
    return done.stdout


def make(goal, **settings):
    """`make install` and its like, of what is built already: nothing is built by it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    values = ["%s=%s" % setting for setting in settings.items()]
    run(["make", "-s", "-C", TOP, "-o", "all", goal, "BUILD=" + BUILD] + values, env=environment)


def files(folder):
    return {os.path.relpath(os.path.join(place, name), folder) for place, _, names in os.walk(folder) for name in names}


def declared(folder):
    """The functions that the public headers declare, as a compiler reads them."""
    names = set()
    for header in HEADERS:
        listing = os.path.join(folder, "declared")
        run(["gcc", "-fsyntax-only", "-x", "c", "-I", INCLUDE, "-aux-info", listing, os.path.join(INCLUDE, "yoton", header)])
        with open(listing, encoding="utf-8") as f:
            names.update(match["name"] for match in DECLARED.finditer(f.read()) if match["path"].startswith(INCLUDE))
    assert len(names) > 100, names
    return names


def symbols(*arguments):
    """Names and kinds of the defined symbols that others can link with; a node of the version script is none."""
    lines = [line.split() for line in run(["nm", "-g", "--defined-only", "--format=posix", *arguments]).splitlines()]
    return {(words[0].split("@")[0], words[1]) for words in lines if len(words) > 1 and words[1] != "A"}


def compare(found, folder):
    wanted = declared(folder)
    names = {name for name, _ in found}
    assert not names - wanted, "exported and not public: " + " ".join(sorted(names - wanted))
    assert not wanted - names, "public and not exported: " + " ".join(sorted(wanted - names))
    assert {kind for _, kind in found} == {"T"}, found


def the_shared_library_exports_what_the_headers_declare(folder):
    compare(symbols("-D", os.path.join(BUILD, "libyoton.so")), folder)


def the_static_library_offers_what_the_headers_declare(folder):
    compare(symbols(os.path.join(BUILD, "libyoton.a")), folder)


def each_header_stands_alone(folder):
    for name in HEADERS:
        for compilers, ending in ((C_COMPILERS, ".c"), (CXX_COMPILERS, ".cc")):
            source = os.path.join(folder, "alone" + ending)
            with open(source, "w", encoding="ascii") as file:
                file.write("#include <yoton/%s>\n#include <yoton/%s>\nint main(void) { return 0; }\n" % (name, name))
            for compiler in compilers:
                run(compiler + STRICT + ["-I", INCLUDE, "-fsyntax-only", source])


def yoton_h_includes_every_header(_folder):
    with open(os.path.join(INCLUDE, "yoton", "yoton.h"), encoding="utf-8") as f:
        included = set(re.findall(r'#include "yoton/(\w+\.h)"', f.read()))
    assert included == set(HEADERS) - {"yoton.h"}, included.symmetric_difference(HEADERS)


def pkg_config(folder, *arguments):
    environment = dict(os.environ, PKG_CONFIG_LIBDIR=os.path.join(folder, "lib", "pkgconfig"))
    environment.pop("PKG_CONFIG_PATH", None)
    return shlex.split(run(["pkg-config", *arguments, "yoton"], env=environment))


def build(compiler, folder, text, *flags):
    source = os.path.join(folder, "program" + (".cc" if "++" in compiler[0] else ".c"))
    program = os.path.join(folder, "program")
    with open(source, "w", encoding="ascii") as f:
        f.write(text)
    run(compiler + STRICT + ["-o", program, source, *flags])
    return program


def remove_shared(folder):
    for name in os.listdir(os.path.join(folder, "lib")):
        if ".so" in name:
            os.unlink(os.path.join(folder, "lib", name))


def programs_link_with_the_installed_shared_library(folder):
    make("install", PREFIX=folder)
    flags = pkg_config(folder, "--cflags", "--libs")
    assert not {"-luv", "-lunistring", "-lgmp"} & set(flags), flags  # its own business
    for compiler, text in [(c, C_PROGRAM) for c in C_COMPILERS] + [(c, CXX_PROGRAM) for c in CXX_COMPILERS]:
        program = build(compiler, folder, text, *flags)
        assert "libyoton.so.0 " in run(["readelf", "-d", program]).replace("]", " ")
        environment = dict(os.environ, LD_LIBRARY_PATH=os.path.join(folder, "lib"))
        assert run([program], env=environment) == ANSWER, compiler


def programs_link_with_the_installed_static_library(folder):
    make("install", PREFIX=folder)
    remove_shared(folder)
    flags = pkg_config(folder, "--static", "--cflags", "--libs")
    for compiler, text in [(c, C_PROGRAM) for c in C_COMPILERS] + [(c, CXX_PROGRAM) for c in CXX_COMPILERS]:
        program = build(compiler, folder, text, *flags)
        assert "libyoton" not in run(["readelf", "-d", program])
        assert run([program]) == ANSWER, compiler


def no_name_inside_the_library_meets_one_of_the_program(folder):
    """A program may call its own functions as the library calls its inner ones."""
    inner = {name for name, _ in symbols(os.path.join(BUILD, "obj", "libyoton.a"))} - declared(folder)
    assert len(inner) > 10, inner
    own = "".join("void %s(void) { abort(); }\n" % name for name in sorted(inner))
    make("install", PREFIX=folder)
    environment = dict(os.environ, LD_LIBRARY_PATH=os.path.join(folder, "lib"))
    for remove, kind in ((False, []), (True, ["--static"])):
        if remove:
            remove_shared(folder)
        flags = pkg_config(folder, *kind, "--cflags", "--libs")
        program = build(C_COMPILERS[0], folder, "#include <stdlib.h>\n" + own + C_PROGRAM, "-Wl,--export-dynamic", *flags)
        assert run([program], env=environment) == ANSWER, kind


def the_installed_tree_is_complete(folder):
    make("install", PREFIX="/opt/yo", DESTDIR=folder)
    version = run(["pkg-config", "--modversion", os.path.join(folder, "opt/yo/lib/pkgconfig/yoton.pc")]).strip()
    wanted = {"bin/yoton", "bin/yotonspec", "lib/pkgconfig/yoton.pc", "lib/libyoton.a", "lib/libyoton.so",
              "lib/libyoton.so.0", "lib/libyoton.so." + version} | {"include/yoton/" + name for name in HEADERS}
    assert files(folder) == {"opt/yo/" + name for name in wanted}, files(folder) ^ {"opt/yo/" + name for name in wanted}
    with open(os.path.join(folder, "opt/yo/lib/pkgconfig/yoton.pc"), encoding="utf-8") as f:
        text = f.read()
    assert "prefix=/opt/yo\n" in text and folder not in text and "@" not in text, text
    for link in ("libyoton.so", "libyoton.so.0"):
        assert "/" not in os.readlink(os.path.join(folder, "opt/yo/lib", link))


def uninstall_leaves_nothing(folder):
    make("install", PREFIX="/opt/yo", DESTDIR=folder)
    assert files(folder)
    strange = os.path.join(folder, "opt/yo/lib/other.a")
    with open(strange, "w", encoding="ascii"):
        pass
    make("uninstall", PREFIX="/opt/yo", DESTDIR=folder)
    assert files(folder) == {"opt/yo/lib/other.a"}, files(folder)
    assert not os.path.exists(os.path.join(folder, "opt/yo/include/yoton"))


TESTS = (
    the_shared_library_exports_what_the_headers_declare,
    the_static_library_offers_what_the_headers_declare,
    each_header_stands_alone,
    yoton_h_includes_every_header,
    programs_link_with_the_installed_shared_library,
    programs_link_with_the_installed_static_library,
    no_name_inside_the_library_meets_one_of_the_program,
    the_installed_tree_is_complete,
    uninstall_leaves_nothing,
)


def main():
    failed = 0
    print("1..%d" % len(TESTS))
    for number, test in enumerate(TESTS, 1):
        folder = tempfile.mkdtemp(prefix="install.", dir=BUILD)
        try:
            test(folder)
            print("ok %d - %s" % (number, test.__name__.replace("_", " ")))
        except Exception:  # whatever it is, the other tests still run
            failed += 1
            print("not ok %d - %s\n# %s" % (number, test.__name__.replace("_", " "),
                                            traceback.format_exc().replace("\n", "\n# ")))
        finally:
            shutil.rmtree(folder)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
