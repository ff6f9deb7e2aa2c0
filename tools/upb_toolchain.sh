#!/usr/bin/env bash
# Builds the two upb generators and copies the upb headers into a folder.
#
# Debian's libgrpc-dev has libupb to link with, but neither its headers nor its generators. Both are in the source
# package of the very same grpc, so that they fit the library by construction. It comes through apt from the sources
# this machine has already, its hash is checked, and it is compiled once; the result is kept by the contents of this
# script.
#
# Usage: tools/upb_toolchain.sh DIR
#   DIR/bin/protoc-gen-upb, DIR/bin/protoc-gen-upbdefs   plugins for protoc
#   DIR/include/upb/...                                  headers of the runtime
#   DIR/include/google/protobuf/descriptor.upb.h, .upbdefs.h   declarations of the tables libupb exports
set -euo pipefail

readonly GRPC_VERSION=1.51.1
readonly ORIG="grpc_${GRPC_VERSION}.orig.tar.gz"
readonly ORIG_SHA256=b55696fb249669744de3e71acc54a9382bea0dce7cd5ba379b356b12b82d4229

say() { printf '    %s\n' "$*"; }
die() {
    printf 'upb_toolchain: %s\n' "$*" >&2
    exit 1
}

# The machine's own source lists, with deb-src in place of deb, in a folder of our own: nothing under /etc changes.
write_source_lists() {
    local lists=$1 file
    mkdir -p "$lists"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [[ -f $file ]] || continue
        sed -nE 's/^[[:space:]]*deb(-src)?[[:space:]]/deb-src /p' "$file" >"$lists/$(basename "$file" .list).list"
    done
    for file in /etc/apt/sources.list.d/*.sources; do
        [[ -f $file ]] || continue
        sed -E 's/^Types:.*/Types: deb-src/' "$file" >"$lists/$(basename "$file")"
    done
}

download() {
    local work=$1
    local apt=(apt-get -o "Dir::Etc::sourcelist=-" -o "Dir::Etc::sourceparts=$work/sources"
        -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=
        -o APT::Get::List-Cleanup=0 -o Debug::NoLocking=1 -q)
    write_source_lists "$work/sources"
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    say "reading the lists of source packages"
    # Somebody else's archive in the list may have no sources; what counts is whether the download below works.
    "${apt[@]}" update >"$work/log" 2>&1 || true
    say "downloading the source of grpc ${GRPC_VERSION} (8.5 MB)"
    (cd "$work" && "${apt[@]}" --download-only source grpc >>"$work/log" 2>&1) ||
        { cat "$work/log" >&2; die "apt-get source grpc failed"; }
    [[ -f $work/$ORIG ]] || die "the archive offers another grpc than ${GRPC_VERSION}; this build knows Debian 12 only"
    echo "$ORIG_SHA256  $work/$ORIG" | sha256sum --check --quiet || die "$ORIG has another hash than the one expected"
}

unpack() {
    local work=$1 top="grpc-${GRPC_VERSION}"
    tar -xzf "$work/$ORIG" -C "$work" "$top/third_party/upb" "$top/src/core/ext/upb-generated/google/protobuf" \
        "$top/src/core/ext/upbdefs-generated/google/protobuf"
}

compile_generator() {
    local upb=$1 name=$2 out=$3 libs
    libs=$(pkg-config --libs protobuf absl_hash absl_raw_hash_set absl_strings)
    # shellcheck disable=SC2086 # the list of libraries is meant to be split
    c++ -std=c++17 -O1 -w -I "$upb" -o "$out/$name" "$upb/upbc/$name.cc" "$upb/upbc/common.cc" -lprotoc $libs -lupb
}

copy_headers() {
    local work=$1 out=$2 top="$1/grpc-${GRPC_VERSION}" pb=google/protobuf
    mkdir -p "$out/include/$pb"
    (cd "$top/third_party/upb" && find upb -name '*.h' -o -name '*.inc' | tar -cf - -T -) | tar -xf - -C "$out/include"
    cp "$top/src/core/ext/upb-generated/$pb/descriptor.upb.h" "$out/include/$pb/"
    cp "$top/src/core/ext/upbdefs-generated/$pb/descriptor.upbdefs.h" "$out/include/$pb/"
}

build() {
    local out=$1 work upb
    work=$(mktemp -d)
    # shellcheck disable=SC2064 # the name of today's folder, not of a later one
    trap "rm -rf '$work'" EXIT
    download "$work"
    unpack "$work"
    upb="$work/grpc-${GRPC_VERSION}/third_party/upb"
    rm -rf "$out"
    mkdir -p "$out/bin"
    copy_headers "$work" "$out"
    say "compiling the generators (about 10 s)"
    compile_generator "$upb" protoc-gen-upb "$out/bin" &
    compile_generator "$upb" protoc-gen-upbdefs "$out/bin"
    wait $!
    cp "$upb/LICENSE" "$out/LICENSE"
}

main() {
    [[ $# == 1 ]] || die "usage: $0 DIR"
    local out=$1 key
    key=$(sha256sum <"${BASH_SOURCE[0]}")
    [[ -f $out/stamp && $(<"$out/stamp") == "$key" ]] && return
    mkdir -p "$(dirname "$out")"
    exec 9>"$out.lock"
    flock 9 # two builds at once make it once
    [[ -f $out/stamp && $(<"$out/stamp") == "$key" ]] && return
    build "$out"
    printf '%s\n' "$key" >"$out/stamp"
}

main "$@"
