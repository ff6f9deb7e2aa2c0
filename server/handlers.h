/* handlers: one function per served method; the table that names them is methods.def.
 *
 * Used by   methods.c. Implemented in custom_job_service.c, operations_service.c, locations_service.c,
 *           logs_service.c, simulation_service.c, health_service.c, reflection_service.c.      Thread, Errors  as call.h.
 */
#ifndef SERVER_HANDLERS_H_
#define SERVER_HANDLERS_H_

#include "server/call.h"

C_DECLS_BEGIN

/* google.cloud.aiplatform.{v1,v1beta1}.JobService */
void handle_create_custom_job(struct call *call);
void handle_get_custom_job(struct call *call);
void handle_list_custom_jobs(struct call *call);
void handle_delete_custom_job(struct call *call);
void handle_cancel_custom_job(struct call *call);

/* google.longrunning.Operations */
void handle_get_operation(struct call *call);
void handle_list_operations(struct call *call);
void handle_wait_operation(struct call *call);
void handle_cancel_operation(struct call *call);
void handle_delete_operation(struct call *call);

/* google.cloud.location.Locations */
void handle_get_location(struct call *call);
void handle_list_locations(struct call *call);

/* customjobd.v1.Logs; server streaming */
void handle_tail_logs(struct call *call);
void handle_list_log_entries(struct call *call);

/* customjobd.v1.Simulation */
void handle_get_clock(struct call *call);
void handle_advance_clock(struct call *call);
void handle_get_faults(struct call *call);
void handle_set_faults(struct call *call);

/* grpc.health.v1.Health; Watch is server streaming */
void handle_health_check(struct call *call);
void handle_health_watch(struct call *call);
void handle_health_list(struct call *call);

/* grpc.reflection.{v1,v1alpha}.ServerReflection; bidirectional */
void handle_reflection(struct call *call);

C_DECLS_END

#endif /* SERVER_HANDLERS_H_ */
