# Flags of our own code (target own_code), of generated code (target generated_code), and of the presets.
include_guard(GLOBAL)

set(CUSTOMJOBD_SANITIZE "" CACHE STRING "Sanitizers for -fsanitize=, such as address,undefined or thread")
option(CUSTOMJOBD_COVERAGE "Instrument for gcov" OFF)
option(CUSTOMJOBD_FUZZ "Instrument for libFuzzer, and make the programs of tests/fuzz; needs clang" OFF)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# Assertions stay on in every build: they guard owners and invariants, and a wrong answer costs more than a stop.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g -fno-omit-frame-pointer")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g -fno-omit-frame-pointer")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_C_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

add_library(preset_flags INTERFACE)
if(CUSTOMJOBD_SANITIZE)
    target_compile_options(preset_flags INTERFACE "-fsanitize=${CUSTOMJOBD_SANITIZE}" -fno-sanitize-recover=all)
    target_link_options(preset_flags INTERFACE "-fsanitize=${CUSTOMJOBD_SANITIZE}")
    if(CUSTOMJOBD_FUZZ)
        target_compile_options(preset_flags INTERFACE -fsanitize=fuzzer-no-link)
    endif()
elseif(CUSTOMJOBD_COVERAGE)
    target_compile_options(preset_flags INTERFACE --coverage -fprofile-update=atomic)
    target_link_options(preset_flags INTERFACE --coverage)
else()
    target_compile_options(preset_flags INTERFACE -fstack-protector-strong)
    if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
        target_compile_options(preset_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    endif()
    target_link_options(preset_flags INTERFACE -Wl,-z,relro,-z,now)
endif()

add_library(own_code INTERFACE)
target_link_libraries(own_code INTERFACE preset_flags)
target_compile_options(own_code INTERFACE -Wall -Wextra -Werror "$<$<COMPILE_LANGUAGE:C>:-Wconversion;-Wshadow;-Wvla>")
# Empty, as a plain #define in a file would have it, so that such a line is no redefinition.
target_compile_definitions(own_code INTERFACE "$<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE=>"
    "CUSTOMJOBD_VERSION=\"${PROJECT_VERSION}\"")

# Generated code is not ours to warn about, and hidden: libgrpc exports tables of the same names as some of ours, and
# an executable that exported its own would have libgrpc use them, whose layout differs.
add_library(generated_code INTERFACE)
target_link_libraries(generated_code INTERFACE preset_flags)
target_compile_options(generated_code INTERFACE -w -fvisibility=hidden)
