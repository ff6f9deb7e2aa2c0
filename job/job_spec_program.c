#include "base/limits.h"
#include "job/job_spec_check.h"
#include "job/job_spec_text.h"

/* The kernel keeps a pointer per string beside its bytes and the closing NUL. */
#define EXEC_OVERHEAD_BYTES 9

/* The program of one pool: where it stands, and what its arguments and environment take. */
struct program {
    struct job_spec_check *check;
    size_t pool_index;
    const char *task; /* "container_spec", "python_package_spec" */
    size_t exec_bytes;
};

/* field: below the task, such as "image_uri". */
static const char *field_of(const struct program *program, const char *field)
{
    return violations_field(program->check->violations, "job_spec.worker_pool_specs[%zu].%s%s%s", program->pool_index,
                            program->task, field[0] ? "." : "", field);
}

static const char *item_of(const struct program *program, const char *list, size_t index, const char *rest)
{
    return violations_field(program->check->violations, "job_spec.worker_pool_specs[%zu].%s.%s[%zu]%s",
                            program->pool_index, program->task, list, index, rest);
}

/* What no program can be given; name_size counts what stands before it in the same string. */
static bool is_unfit(struct span text, size_t name_size)
{
    return text_has_nul(text) || name_size + text.size >= LIMIT_EXEC_STRING_BYTES;
}

static void tell_unfit(const struct program *program, const char *field, struct span text, size_t name_size)
{
    struct violations *violations = program->check->violations;

    if (text_has_nul(text)) {
        violations_add(violations, field, "\"%s\" has a NUL character within, which no program can be given.",
                       violations_show(violations, text));
    } else {
        violations_add(violations, field, "\"%s\" has %zu bytes; at most %zu can be passed to a program.",
                       violations_show(violations, text), text.size, LIMIT_EXEC_STRING_BYTES - 1 - name_size);
    }
}

static void check_required(const struct program *program, const char *name, upb_StringView value)
{
    if (value.size == 0) {
        violations_add(program->check->violations, field_of(program, name), JOB_SPEC_REQUIRED);
    } else if (is_unfit(api_span(value), 0)) {
        tell_unfit(program, field_of(program, name), api_span(value), 0);
    }
}

static void check_texts(struct program *program, const char *list, const upb_StringView *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct span text = api_span(items[i]);

        program->exec_bytes += text.size + EXEC_OVERHEAD_BYTES;
        if (is_unfit(text, 0)) {
            tell_unfit(program, item_of(program, list, i, ""), text, 0);
        }
    }
}

static bool check_variable_name(const struct program *program, size_t index, struct span name)
{
    struct violations *violations = program->check->violations;
    const char *shown;

    if (name.size == 0) {
        violations_add(violations, item_of(program, "env", index, ".name"), JOB_SPEC_REQUIRED);
        return false;
    }
    if (name.size <= LIMIT_ENV_NAME_BYTES && text_is_identifier(name)) {
        return true;
    }
    shown = violations_show(violations, name);
    if (name.size > LIMIT_ENV_NAME_BYTES) {
        violations_add(violations, item_of(program, "env", index, ".name"),
                       "\"%s\" has %zu bytes; a name has at most %d.", shown, name.size, LIMIT_ENV_NAME_BYTES);
    } else {
        violations_add(violations, item_of(program, "env", index, ".name"),
                       "\"%s\" is no C identifier: letters, digits and underscores, not beginning with a digit.",
                       shown);
    }
    return false;
}

static void check_variable(struct program *program, size_t index, const API(EnvVar) * variable)
{
    struct span name = api_span(API(EnvVar_name)(variable));
    struct span value = api_span(API(EnvVar_value)(variable));
    size_t before = name.size + strlen("=");

    program->exec_bytes += before + value.size + EXEC_OVERHEAD_BYTES;
    if (!check_variable_name(program, index, name)) {
        before = 0;
    }
    if (value.size == 0) {
        violations_add(program->check->violations, item_of(program, "env", index, ".value"), JOB_SPEC_REQUIRED);
    } else if (is_unfit(value, before)) {
        tell_unfit(program, item_of(program, "env", index, ".value"), value, before);
    }
}

static void check_env(struct program *program, const API(EnvVar) *const *env, size_t count)
{
    if (count > LIMIT_ENV_PER_SPEC) {
        violations_add(program->check->violations, field_of(program, "env"),
                       "There are %zu environment variables; at most %d are allowed.", count, LIMIT_ENV_PER_SPEC);
    }
    for (size_t i = 0; i < count; i++) {
        check_variable(program, i, env[i]);
    }
}

static void check_exec_bytes(const struct program *program)
{
    if (program->exec_bytes > LIMIT_EXEC_TOTAL_BYTES) {
        violations_add(
            program->check->violations, field_of(program, ""),
            "Arguments and environment take %zu bytes (%d more per string than its length); at most %d can be"
            " passed to a program.",
            program->exec_bytes, EXEC_OVERHEAD_BYTES, LIMIT_EXEC_TOTAL_BYTES);
    }
}

void job_spec_check_container(struct job_spec_check *check, size_t pool_index, const API(ContainerSpec) * spec)
{
    struct program program = {check, pool_index, "container_spec", 0};
    size_t command_count, args_count, env_count;
    const upb_StringView *command = API(ContainerSpec_command)(spec, &command_count);
    const upb_StringView *args = API(ContainerSpec_args)(spec, &args_count);
    const API(EnvVar) *const *env = API(ContainerSpec_env)(spec, &env_count);

    check_required(&program, "image_uri", API(ContainerSpec_image_uri)(spec));
    if (command_count == 0 && check->rules->needs_command) {
        violations_add(check->violations, field_of(&program, "command"), "%s", check->rules->needs_command);
    } else if (command_count > 0 && command[0].size == 0) {
        violations_add(check->violations, item_of(&program, "command", 0, ""),
                       "The first word of a command names the program to run; it must not be empty.");
    }
    check_texts(&program, "command", command, command_count);
    check_texts(&program, "args", args, args_count);
    check_env(&program, env, env_count);
    check_exec_bytes(&program);
}

/* *= proto: PythonPackageSpec.package_uris; paths of the host besides, since a bucket may be a directory here. */
static const char *fault_of_package(struct span uri)
{
    struct span path;

    if (span_starts_with(uri, span_of("gs://"))) {
        path = span_skip(uri, strlen("gs://"));
        if (path.size == 0 || path.data[0] == '/' || !memchr(path.data, '/', path.size) ||
            path.data[path.size - 1] == '/') {
            return "must have the form gs://BUCKET/OBJECT";
        }
    } else if (span_starts_with(uri, span_of("file:///"))) {
        path = span_skip(uri, strlen("file://"));
    } else if (span_starts_with(uri, span_of("/"))) {
        path = uri;
    } else {
        return "must be gs://BUCKET/OBJECT, file:///PATH or an absolute path of the host";
    }
    return text_leads_out(path) ? "must not lead out of its place by \"..\"" : NULL;
}

static void check_packages(const struct program *program, const upb_StringView *uris, size_t count)
{
    struct violations *violations = program->check->violations;

    if (count == 0) {
        violations_add(violations, field_of(program, "package_uris"), JOB_SPEC_REQUIRED);
    } else if (count > LIMIT_PACKAGE_URIS) {
        violations_add(violations, field_of(program, "package_uris"), "There are %zu packages; at most %d are allowed.",
                       count, LIMIT_PACKAGE_URIS);
    }
    for (size_t i = 0; i < count; i++) {
        struct span uri = api_span(uris[i]);
        const char *fault = fault_of_package(uri);

        if (fault) {
            violations_add(violations, item_of(program, "package_uris", i, ""), "\"%s\" %s.",
                           violations_show(violations, uri), fault);
        } else if (is_unfit(uri, 0)) {
            tell_unfit(program, item_of(program, "package_uris", i, ""), uri, 0);
        }
    }
}

void job_spec_check_python(struct job_spec_check *check, size_t pool_index, const API(PythonPackageSpec) * spec)
{
    struct program program = {check, pool_index, "python_package_spec", 0};
    size_t uri_count, args_count, env_count;
    const upb_StringView *uris = API(PythonPackageSpec_package_uris)(spec, &uri_count);
    const upb_StringView *args = API(PythonPackageSpec_args)(spec, &args_count);
    const API(EnvVar) *const *env = API(PythonPackageSpec_env)(spec, &env_count);

    if (!check->rules->python_packages) {
        violations_add(check->violations, field_of(&program, ""),
                       "The executor of this server cannot install Python packages; use container_spec.");
    }
    check_required(&program, "executor_image_uri", API(PythonPackageSpec_executor_image_uri)(spec));
    check_packages(&program, uris, uri_count);
    check_required(&program, "python_module", API(PythonPackageSpec_python_module)(spec));
    check_texts(&program, "args", args, args_count);
    check_env(&program, env, env_count);
    check_exec_bytes(&program);
}
