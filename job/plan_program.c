#include "job/plan_program.h"

#include <jansson.h>
#include <stdlib.h>

#include "job/plan_env.h"

static int copy_list(upb_Arena *arena, const char *what, const upb_StringView *views, size_t count,
                     const char *const **ret_list, struct err *err)
{
    const char **list = upb_Arena_Malloc(arena, (count + 1) * sizeof *list);

    if (!list) {
        return err_set(err, ERR_EXHAUSTED, "no memory for %s", what);
    }
    for (size_t i = 0; i < count; i++) {
        if (plan_text(arena, what, api_span(views[i]), &list[i], err)) {
            return -1;
        }
    }
    list[count] = NULL;
    *ret_list = list;
    return 0;
}

static int read_container(upb_Arena *arena, const API(ContainerSpec) * spec, struct plan_program *program,
                          struct err *err)
{
    program->field = "container_spec";
    program->command = API(ContainerSpec_command)(spec, &program->command_count);
    program->args = API(ContainerSpec_args)(spec, &program->args_count);
    program->env = API(ContainerSpec_env)(spec, &program->env_count);
    return plan_text(arena, "container_spec.image_uri", api_span(API(ContainerSpec_image_uri)(spec)),
                     &program->image_uri, err);
}

static int read_python(upb_Arena *arena, const API(PythonPackageSpec) * spec, struct plan_program *program,
                       struct err *err)
{
    size_t uri_count = 0;
    const upb_StringView *uris = API(PythonPackageSpec_package_uris)(spec, &uri_count);

    program->field = "python_package_spec";
    program->args = API(PythonPackageSpec_args)(spec, &program->args_count);
    program->env = API(PythonPackageSpec_env)(spec, &program->env_count);
    if (plan_text(arena, "python_package_spec.executor_image_uri",
                  api_span(API(PythonPackageSpec_executor_image_uri)(spec)), &program->image_uri, err) ||
        plan_text(arena, "python_package_spec.python_module", api_span(API(PythonPackageSpec_python_module)(spec)),
                  &program->python_module, err)) {
        return -1;
    }
    return copy_list(arena, "python_package_spec.package_uris", uris, uri_count, &program->package_uris, err);
}

static json_t *view_list(const upb_StringView *views, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        if (json_array_append_new(list, json_stringn(views[i].data, views[i].size))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* A real container job has empty values there, whatever its args are. */
static int describe(const API(WorkerPoolSpec) * pool, upb_Arena *arena, struct plan_program *program, struct err *err)
{
    const API(PythonPackageSpec) *python = API(WorkerPoolSpec_python_package_spec)(pool);
    const upb_StringView *uris = NULL;
    size_t uri_count = 0;
    json_t *value;
    char *text;
    int result;

    if (python) {
        uris = API(PythonPackageSpec_package_uris)(python, &uri_count);
    }
    value =
        json_pack("{s:s, s:o, s:o}", "python_module", python ? program->python_module : "", "package_uris",
                  view_list(uris, uri_count), "job_args", view_list(program->args, python ? program->args_count : 0));
    text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    if (!text) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a program's description");
    }
    result =
        plan_text(arena, "the description of the program in CLUSTER_SPEC", span_of(text), &program->description, err);
    free(text);
    return result;
}

int plan_program_read(const API(WorkerPoolSpec) * pool, upb_Arena *arena, struct plan_program *ret_program,
                      struct err *err)
{
    struct plan_program program = {0};
    int result;

    if (API(WorkerPoolSpec_has_container_spec)(pool)) {
        result = read_container(arena, API(WorkerPoolSpec_container_spec)(pool), &program, err);
    } else {
        result = read_python(arena, API(WorkerPoolSpec_python_package_spec)(pool), &program, err);
    }
    if (result || describe(pool, arena, &program, err)) {
        return -1;
    }
    *ret_program = program;
    return 0;
}
