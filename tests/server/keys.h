/* keys: a job's keys as a test writes them, in the form in which a filter sees them. */
#ifndef TESTS_SERVER_KEYS_H_
#define TESTS_SERVER_KEYS_H_

#include <cstdint>
#include <map>
#include <string>

#include "storage/store.h"

inline struct span as_span(const std::string &text)
{
    return span_make(text.data(), text.size());
}

struct Keys {
    std::string display_name;
    uint32_t state = 0;
    int64_t create_time = 0;
    std::map<std::string, std::string> labels;

    /* Borrows from this. */
    struct store_keys view() const
    {
        struct store_keys keys = {};
        keys.display_name = as_span(display_name);
        keys.state = state;
        keys.create_time_unix_ns = create_time;
        for (const auto &label : labels) {
            keys.labels[keys.label_count++] = {as_span(label.first), as_span(label.second)};
        }
        return keys;
    }
};

#endif /* TESTS_SERVER_KEYS_H_ */
