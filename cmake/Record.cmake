# Notes what is built of what, so that tests/build/parity_test.py can hold it against the BUILD files of Bazel.
include_guard(GLOBAL)

# cj_record(<kind> <target> [SOURCES file...] [DEPENDS target...]): one line "kind target src|dep what" for each.
function(cj_record kind target)
    cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
    set(lines "${kind} ${target}\n")
    foreach(source IN LISTS ARG_SOURCES)
        cmake_path(RELATIVE_PATH source BASE_DIRECTORY "${CMAKE_SOURCE_DIR}")
        string(APPEND lines "${kind} ${target} src ${source}\n")
    endforeach()
    foreach(depend IN LISTS ARG_DEPENDS)
        string(APPEND lines "${kind} ${target} dep ${depend}\n")
    endforeach()
    set_property(GLOBAL APPEND_STRING PROPERTY CJ_RECORDS "${lines}")
endfunction()

function(cj_write_records file)
    get_property(lines GLOBAL PROPERTY CJ_RECORDS)
    file(WRITE "${file}" "${lines}")
endfunction()
