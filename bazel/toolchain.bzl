"""upb as a repository: the folder ./dev made, or one made here in the same way."""

_BUILD_FILE = """
exports_files(["bin/protoc-gen-upb", "bin/protoc-gen-upbdefs"])

cc_library(
    name = "headers",
    hdrs = glob(["include/**"]),
    includes = ["include"],
    visibility = ["//visibility:public"],
)
"""

def _upb_toolchain_impl(ctx):
    script = ctx.path(Label("//:tools/upb_toolchain.sh"))
    made = ctx.path(str(script.dirname.dirname) + "/build/toolchain")
    if not made.get_child("stamp").exists:
        made = ctx.path("toolchain")
        result = ctx.execute([script, str(made)], quiet = False)
        if result.return_code:
            fail("tools/upb_toolchain.sh failed: " + result.stderr)
    ctx.symlink(made.get_child("bin"), "bin")
    ctx.symlink(made.get_child("include"), "include")
    ctx.file("BUILD.bazel", _BUILD_FILE)

upb_toolchain = repository_rule(implementation = _upb_toolchain_impl, local = True)
