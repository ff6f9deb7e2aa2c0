/* helpers: what the tests of cli/ share.
 *
 * Used by   tests/cli/ alone.
 */
#ifndef TESTS_CLI_HELPERS_H_
#define TESTS_CLI_HELPERS_H_

#include <cstring>
#include <string>
#include <vector>

#include "base/err.h"
#include "base/span.h"
#include "base/text.h"
#include "cli/args.h"
#include "cli/doc_read.h"
#include "cli/doc_write.h"
#include "upb/arena.h"
#include "upb/def.h"

inline std::string string_of(struct span span)
{
    return span.size ? std::string(span.data, span.size) : std::string();
}

inline std::string take(struct text *text)
{
    std::string taken = string_of(text_span(text));
    text_deinit(text);
    return taken;
}

struct Arena {
    upb_Arena *arena = upb_Arena_New();
    ~Arena() { upb_Arena_Free(arena); }
    operator upb_Arena *() const { return arena; }
};

struct Pool {
    upb_DefPool *pool = upb_DefPool_New();
    ~Pool() { upb_DefPool_Free(pool); }
    operator upb_DefPool *() const { return pool; }
};

/* A command line, and the environment it is parsed in. */
struct Line {
    std::vector<std::string> words;
    std::vector<char *> argv;
    struct args args = {};
    struct err err = ERR_INIT;
    int failed;

    Line(std::vector<std::string> given, args_environment_fn environment = nullptr) : words(std::move(given))
    {
        words.insert(words.begin(), "customjob");
        for (std::string &word : words) {
            argv.push_back(word.data());
        }
        failed = args_parse((int)argv.size(), argv.data(), environment, &args, &err);
    }
    ~Line() { args_deinit(&args); }
    Line(const Line &) = delete;
    Line &operator=(const Line &) = delete;
};

/* The document on one line of JSON, or the error. The name decides how it is read. */
inline std::string read_as(const char *name, const std::string &bytes)
{
    Arena arena;
    struct err err = ERR_INIT;
    struct doc *doc = nullptr;
    struct text text = {};
    if (doc_read_bytes(name, span_make(bytes.data(), bytes.size()), arena, &doc, &err)) {
        return err.text;
    }
    doc_write_json_line(&text, doc);
    return take(&text);
}

#endif /* TESTS_CLI_HELPERS_H_ */
