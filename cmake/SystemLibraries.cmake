# Debian's libraries, each under one short name that a room can list.
include_guard(GLOBAL)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

add_library(threads INTERFACE)
target_link_libraries(threads INTERFACE Threads::Threads)

# cj_system_library(<name> <pkg-config module>...): an INTERFACE target of what pkg-config says.
function(cj_system_library name)
    pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${ARGN})
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE PkgConfig::${name})
endfunction()

cj_system_library(libcurl libcurl)
cj_system_library(jansson jansson)
cj_system_library(libyaml yaml-0.1)
cj_system_library(openssl openssl)
cj_system_library(libh2o libh2o-evloop)
cj_system_library(liburcu liburcu-memb liburcu-cds)
cj_system_library(libprotobuf_c libprotobuf-c)

# grpc's own pkg-config file drags in every archive it was made of; its shared library needs none of them.
find_library(GRPC_LIBRARY grpc REQUIRED)
find_library(GPR_LIBRARY gpr REQUIRED)
add_library(libgrpc INTERFACE)
target_link_libraries(libgrpc INTERFACE "${GRPC_LIBRARY}" "${GPR_LIBRARY}")

# upb: the shared library is Debian's, the headers come with the generators (tools/upb_toolchain.sh).
set(CJ_TOOLCHAIN "${CMAKE_SOURCE_DIR}/build/toolchain" CACHE PATH "Where tools/upb_toolchain.sh has put upb")
if(NOT EXISTS "${CJ_TOOLCHAIN}/stamp")
    message(FATAL_ERROR "no upb in ${CJ_TOOLCHAIN}: run ./dev build, or tools/upb_toolchain.sh ${CJ_TOOLCHAIN}")
endif()
find_library(UPB_LIBRARY NAMES libupb.so REQUIRED)
add_library(libupb INTERFACE)
target_include_directories(libupb SYSTEM INTERFACE "${CJ_TOOLCHAIN}/include")
target_link_libraries(libupb INTERFACE "${UPB_LIBRARY}")

find_path(NANOPB_INCLUDE pb_decode.h REQUIRED)
find_library(NANOPB_LIBRARY NAMES libprotobuf-nanopb.a REQUIRED)
add_library(libnanopb INTERFACE)
target_include_directories(libnanopb SYSTEM INTERFACE "${NANOPB_INCLUDE}")
target_link_libraries(libnanopb INTERFACE "${NANOPB_LIBRARY}")
