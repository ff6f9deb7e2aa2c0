"""Rooms, programs, tests and generated code: the counterparts of cmake/*.cmake, with the same flags."""

VERSION = "0.1.0"

_OWN = ["-Wall", "-Wextra", "-Werror", "-fstack-protector-strong", "-DCUSTOMJOBD_VERSION='\"%s\"'" % VERSION]
_OWN_C = _OWN + ["-std=gnu17", "-Wconversion", "-Wshadow", "-Wvla", "-D_GNU_SOURCE="]
_OWN_CXX = _OWN + ["-std=c++17"]
_GENERATED = ["-std=gnu17", "-w", "-fvisibility=hidden"]

_TESTS = ["//tests:__subpackages__"]
_WELL_KNOWN = ["any", "duration", "empty", "field_mask", "struct", "timestamp", "wrappers"]

def cj_room(name, srcs = [], hdrs = [], deps = [], used_by = [], copts = _OWN_C):
    """A room: used_by is who may depend on it, besides tests; a dependency that is not listed there does not build."""
    native.cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        copts = copts,
        linkstatic = True,
        visibility = used_by + _TESTS + ["//:__pkg__"],
        deps = deps,
    )

def cj_program(name, srcs = [], deps = [], linkopts = []):
    if not srcs:
        return
    native.cc_binary(
        name = name,
        srcs = srcs,
        copts = _OWN_C,
        linkopts = linkopts,
        visibility = ["//visibility:public"],
        deps = deps,
    )

def cj_programs(name):
    """All programs declared above in this package, for the tests that start them."""
    native.filegroup(
        name = name,
        srcs = [rule["name"] for rule in native.existing_rules().values() if rule["kind"] == "cc_binary"],
        visibility = ["//visibility:public"],
    )

def _ending(files, ending):
    return [file for file in files if file.endswith(ending)]

def _c_part(name, srcs, hdrs, deps):
    """The C sources of a C++ target as a library of their own, with the flags of C; [] when there are none."""
    if not _ending(srcs, ".c"):
        return []
    native.cc_library(
        name = name + "_c",
        testonly = True,
        srcs = _ending(srcs, ".c"),
        hdrs = hdrs,
        copts = _OWN_C,
        linkstatic = True,
        deps = deps,
    )
    return [":" + name + "_c"]

def cj_test_lib(name, srcs = [], hdrs = [], deps = []):
    native.cc_library(
        name = name,
        testonly = True,
        srcs = _ending(srcs, ".cc"),
        hdrs = hdrs,
        copts = _OWN_CXX,
        linkstatic = True,
        deps = deps + ["//bazel:googletest"] + _c_part(name, srcs, hdrs, deps),
    )

def cj_test(name, srcs = [], deps = [], size = "medium"):
    """The GoogleTest program of one folder of tests/; two macros tell it where sources and programs are."""
    if not srcs:
        return
    folder = name[:-len("_test")]
    headers = native.glob([folder + "/*.h"], allow_empty = True)
    native.cc_test(
        name = name,
        size = size,
        srcs = _ending(srcs, ".cc") + headers,
        copts = _OWN_CXX + [
            "-DCUSTOMJOBD_SOURCE_DIR='\".\"'",
            "-DCUSTOMJOBD_BIN_DIR='\".\"'",
        ],
        data = ["//:programs"] + native.glob(
            [folder + "/**"],
            exclude = ["**/*.cc", "**/*.c", "**/*.h", "**/* *"],
            allow_empty = True,
        ),
        linkstatic = True,
        deps = deps + ["//bazel:googletest"] + _c_part(name, srcs, headers, deps),
    )

def _generate(name, protos, suffixes, command, tools = [], data = []):
    """Runs protoc once over all protos; what it makes goes to gen/<name> of this package. Returns (.c, .h)."""
    out = "gen/" + name
    outs = [out + "/" + proto[:-len(".proto")] + suffix for proto in protos for suffix in suffixes]
    if not protos:
        return ([], [])
    own = [proto for proto in protos if not proto.startswith("google/protobuf/")]
    native.genrule(
        name = name + "_gen",
        srcs = own + data,
        outs = outs,
        cmd = "protoc -I proto -I /usr/include " + command.replace("OUT", "$(RULEDIR)/" + out) + " " + " ".join(protos),
        tools = tools,
    )
    return ([file for file in outs if file.endswith(".c")], [file for file in outs if file.endswith(".h")])

def _generated_library(name, files, deps, visibility, whole = False):
    native.cc_library(
        name = name,
        srcs = files[0],
        hdrs = files[1],
        alwayslink = whole,
        copts = _GENERATED,
        includes = ["gen/" + name],
        linkstatic = True,
        visibility = visibility,
        deps = deps,
    )

def cj_upb_library(name, protos, visibility):
    """Whole, so that our code binds to our tables, not to those of the same name that libgrpc exports."""
    plugin = "$(location @upb_toolchain//:bin/protoc-gen-upb%s)"
    files = _generate(
        name,
        protos + (["google/protobuf/%s.proto" % proto for proto in _WELL_KNOWN] if protos else []),
        [".upb.h", ".upb.c", ".upbdefs.h", ".upbdefs.c"],
        "--plugin=protoc-gen-upb={} --plugin=protoc-gen-upbdefs={} --upb_out=OUT --upbdefs_out=OUT".format(
            plugin % "",
            plugin % "defs",
        ),
        tools = ["@upb_toolchain//:bin/protoc-gen-upb", "@upb_toolchain//:bin/protoc-gen-upbdefs"],
    )
    _generated_library(name, files, ["//bazel:libupb", ":methods"], visibility, whole = True)

def cj_protobuf_c_library(name, protos, visibility):
    files = _generate(name, protos, [".pb-c.h", ".pb-c.c"], "--c_out=OUT")
    _generated_library(name, files, ["//bazel:libprotobuf_c"], visibility)

def cj_nanopb_library(name, protos, options, visibility):
    files = _generate(name, protos, [".pb.h", ".pb.c"], "--nanopb_opt=-Iproto --nanopb_out=OUT", data = options)
    _generated_library(name, files, ["//bazel:libnanopb"], visibility)
