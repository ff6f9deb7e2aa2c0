# tests/<room>/*_test.cc make the program <room>_test, which sees what that room sees; tests/<other>/*_test.cc make
# <other>_test, which sees everything. Test support shared by several lives in tests/lib. What is no GoogleTest
# (scripts, official clients) is registered by tests/CMakeLists.txt.
include_guard(GLOBAL)

find_package(GTest REQUIRED)
include(GoogleTest)

get_property(rooms GLOBAL PROPERTY CJ_ROOMS)
set(CJ_ALL_LIBRARIES ${rooms} wal_pbc supervisor_pb api_upb libupb libgrpc libh2o openssl libcurl jansson libyaml liburcu
    threads)

file(GLOB lib_sources CONFIGURE_DEPENDS tests/lib/*.c tests/lib/*.cc)
file(GLOB lib_headers CONFIGURE_DEPENDS tests/lib/*.h)
cj_room_includes(test_lib tests/lib "${lib_headers}" FALSE)
cj_record(room test_lib SOURCES ${lib_sources} ${lib_headers} DEPENDS ${CJ_ALL_LIBRARIES})
if(lib_sources)
    # An archive: a test that uses a fake disk does not link what the gRPC fixture needs.
    add_library(test_lib STATIC ${lib_sources})
    target_link_libraries(test_lib PRIVATE own_code GTest::gtest PUBLIC test_lib_includes)
    foreach(library IN LISTS CJ_ALL_LIBRARIES)
        target_include_directories(test_lib PRIVATE "$<TARGET_PROPERTY:${library},INTERFACE_INCLUDE_DIRECTORIES>")
    endforeach()
    foreach(library wal_pbc supervisor_pb api_upb)
        if(TARGET ${library}_objects)
            add_dependencies(test_lib ${library}_objects)
        else()
            add_dependencies(test_lib ${library})
        endif()
    endforeach()
else()
    add_library(test_lib INTERFACE)
    target_link_libraries(test_lib INTERFACE test_lib_includes)
endif()

# cj_test(<folder>): the test program of one folder under tests/.
function(cj_test folder)
    file(GLOB tests CONFIGURE_DEPENDS "tests/${folder}/*_test.cc")
    file(GLOB sources CONFIGURE_DEPENDS "tests/${folder}/*.cc" "tests/${folder}/*.c")
    if(NOT tests)
        return()
    endif()
    if(folder IN_LIST rooms)
        get_property(depends GLOBAL PROPERTY CJ_DEPENDS_${folder})
        set(libraries ${folder} ${depends})
    else()
        set(libraries ${CJ_ALL_LIBRARIES})
    endif()
    cj_record(test ${folder}_test SOURCES ${sources} DEPENDS test_lib ${libraries})
    add_executable(${folder}_test ${sources})
    target_link_libraries(${folder}_test PRIVATE own_code test_lib ${libraries} GTest::gtest GTest::gtest_main)
    # Paths of the tree and of the programs, for golden files and for tests that start what was built.
    target_compile_definitions(${folder}_test PRIVATE "CUSTOMJOBD_SOURCE_DIR=\"${CMAKE_SOURCE_DIR}\""
        "CUSTOMJOBD_BIN_DIR=\"${CMAKE_RUNTIME_OUTPUT_DIRECTORY}\"")
    set_target_properties(${folder}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    foreach(program customjobd customjob customjob-supervisor)
        if(TARGET ${program})
            add_dependencies(${folder}_test ${program})
        endif()
    endforeach()
    gtest_discover_tests(${folder}_test TEST_PREFIX "${folder}." DISCOVERY_MODE PRE_TEST
        PROPERTIES TIMEOUT 120 LABELS unit)
endfunction()

# cj_script_test(<name> <script> [ARGS arg...] [TIMEOUT seconds] [LABELS label...]): a test that is a program of its
# own, for tests/CMakeLists.txt. Exit code 77 means skipped. Label "long" keeps it out of a plain ./dev test; a test
# that cannot share the machine's two cores is better RUN_SERIAL.
function(cj_script_test name script)
    cmake_parse_arguments(ARG "RUN_SERIAL" "TIMEOUT" "ARGS;LABELS" ${ARGN})
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 120)
    endif()
    if(NOT ARG_RUN_SERIAL)
        set(ARG_RUN_SERIAL FALSE)
    endif()
    get_filename_component(script "${script}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
    add_test(NAME "${name}" COMMAND "${script}" ${ARG_ARGS} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set_tests_properties("${name}" PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "script;${ARG_LABELS}" SKIP_RETURN_CODE 77
        RUN_SERIAL ${ARG_RUN_SERIAL}
        ENVIRONMENT "CUSTOMJOBD_SOURCE_DIR=${CMAKE_SOURCE_DIR};CUSTOMJOBD_BUILD_DIR=${CMAKE_BINARY_DIR};CUSTOMJOBD_BIN_DIR=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
endfunction()

file(GLOB folders CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}/tests" tests/*)
foreach(folder IN LISTS folders)
    if(IS_DIRECTORY "${CMAKE_SOURCE_DIR}/tests/${folder}" AND NOT folder STREQUAL "lib")
        cj_test(${folder})
    endif()
endforeach()

cj_script_test(parity "${CMAKE_SOURCE_DIR}/tests/build/parity_test.py" ARGS --cmake "${CMAKE_BINARY_DIR}/targets.txt")
cj_script_test(bazel "${CMAKE_SOURCE_DIR}/tests/build/bazel_test.sh" TIMEOUT 900 RUN_SERIAL)
cj_script_test(shape_detects "${CMAKE_SOURCE_DIR}/tests/build/tidy_test.py")
cj_script_test(shape "${CMAKE_SOURCE_DIR}/tools/tidy.py" ARGS --build "${CMAKE_BINARY_DIR}")

if(EXISTS "${CMAKE_SOURCE_DIR}/tests/CMakeLists.txt")
    add_subdirectory(tests)
endif()
