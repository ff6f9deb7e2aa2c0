/* test_value: the values that tests of the store use, and how their keys are read.
 *
 * Used by   tests/storage/, tests/crash/.
 * Shape     "name|state|key=value,key=value|rest"; one without the three bars has no keys.
 */
#ifndef TESTS_LIB_TEST_VALUE_H_
#define TESTS_LIB_TEST_VALUE_H_

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "storage/store.h"

namespace test_value {

inline int Extract(enum store_table, struct span value, struct store_keys *keys, struct err *err)
{
    std::string_view text(value.data, value.size);
    size_t name = text.find('|');
    size_t state = name == text.npos ? name : text.find('|', name + 1);
    size_t labels = state == text.npos ? state : text.find('|', state + 1);
    if (labels == text.npos) {
        return err_set(err, ERR_CORRUPT, "no keys in the value");
    }
    keys->name = span_make(value.data, name);
    size_t head = text.substr(0, name).find("/customJobs/");
    keys->parent = span_make(value.data, head == text.npos ? 0 : head);
    keys->display_name = span_make(value.data + labels + 1, std::min<size_t>(value.size - labels - 1, 8));
    keys->state = uint32_t(atoi(std::string(text.substr(name + 1, state - name - 1)).c_str()));
    keys->create_time_unix_ns = int64_t(value.size);
    size_t at = state + 1;
    while (at < labels && keys->label_count < LIMIT_LABELS_PER_JOB) {
        size_t end = std::min(text.find(',', at), labels);
        size_t equals = text.find('=', at);
        struct store_label *label = &keys->labels[keys->label_count++];
        label->key = span_make(value.data + at, equals - at);
        label->value = span_make(value.data + equals + 1, end - equals - 1);
        at = end + 1;
    }
    return 0;
}

} /* namespace test_value */

#endif /* TESTS_LIB_TEST_VALUE_H_ */
