#include "cli/output.h"

#include "cli/doc.h"
#include "cli/doc_write.h"
#include "cli/json_message.h"
#include "google/cloud/aiplatform/v1/job_service.upbdefs.h"
#include "google/cloud/aiplatform/v1/operation.upbdefs.h"
#include "google/cloud/aiplatform/v1beta1/operation.upbdefs.h"
#include "google/protobuf/empty.upbdefs.h"
#include "google/rpc/error_details.upbdefs.h"

void output_load_types(struct session *session)
{
    (void)google_cloud_aiplatform_v1_DeleteOperationMetadata_getmsgdef(session->defs);
    (void)google_cloud_aiplatform_v1beta1_DeleteOperationMetadata_getmsgdef(session->defs);
    (void)google_protobuf_Empty_getmsgdef(session->defs);
    (void)google_rpc_BadRequest_getmsgdef(session->defs);
}

int output_message(struct session *session, const upb_Message *message, const upb_MessageDef *type, struct err *err)
{
    struct text text = {.data = NULL};
    struct doc *doc;

    output_load_types(session);
    if (json_message_to_doc(message, type, session->defs, session->arena, &doc, err)) {
        return -1;
    }
    if (session->format == FORMAT_JSON) {
        doc_write_json(&text, doc, 0);
        text_add_char(&text, '\n');
    } else {
        doc_write_yaml(&text, doc, 0);
    }
    return session_print(session, &text, err);
}

void output_list_begin(const struct session *session, struct text *text)
{
    text_add_text(text, session->format == FORMAT_JSON ? "[" : "");
}

int output_list_item(const struct session *session, struct text *text, size_t index, const upb_Message *message,
                     const upb_MessageDef *type, upb_Arena *arena, struct err *err)
{
    struct doc *doc;

    if (json_message_to_doc(message, type, session->defs, arena, &doc, err)) {
        return -1;
    }
    if (session->format == FORMAT_JSON) {
        text_add_text(text, index > 0 ? ",\n  " : "\n  ");
        doc_write_json(text, doc, 1);
    } else {
        text_add_text(text, "- ");
        doc_write_yaml(text, doc, 1);
    }
    return 0;
}

void output_list_end(const struct session *session, struct text *text, size_t count)
{
    if (session->format == FORMAT_JSON) {
        text_add_text(text, count > 0 ? "\n]\n" : "]\n");
    } else if (count == 0) {
        text_add_text(text, "[]\n");
    }
}
