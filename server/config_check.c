#include <string.h>

#include "server/config_set.h"

static int check_executor(const struct config *config, struct err *err)
{
    if (strcmp(config->executor, "slurm") == 0) {
        return err_set(err, ERR_INVALID,
                       "--executor slurm: this version is built without it; there are process, docker and simulate");
    }
    if (strcmp(config->executor, "docker") == 0 && config->job_user) {
        return err_set(err, ERR_INVALID,
                       "--job-user %s: with --executor docker a replica's user is the one its image names",
                       config->job_user);
    }
    return 0;
}

static int check_simulation(const struct config *config, struct err *err)
{
    if (strcmp(config->clock, "virtual") == 0 && strcmp(config->executor, "simulate") != 0) {
        return err_set(err, ERR_INVALID, "--clock virtual needs --executor simulate: programs run in real time");
    }
    if (config->simulate_scenario && strcmp(config->executor, "simulate") != 0) {
        return err_set(err, ERR_INVALID, "--simulate-scenario %s needs --executor simulate", config->simulate_scenario);
    }
    return 0;
}

static int check_tls(const struct config *config, struct err *err)
{
    if (!config->tls_cert != !config->tls_key) {
        return err_set(err, ERR_INVALID, "--tls-cert and --tls-key belong together: --%s is missing",
                       config->tls_cert ? "tls-key" : "tls-cert");
    }
    if (config->client_ca && !config->tls_cert) {
        return err_set(err, ERR_INVALID,
                       "--client-ca needs --tls-cert and --tls-key: clients show certificates in TLS");
    }
    return 0;
}

static int check_keys(const struct config *config, struct err *err)
{
    if (config->key_file && config->kms_plugin) {
        return err_set(err, ERR_INVALID, "--key-file and --kms-plugin exclude each other");
    }
    if (config->store_key && !config->key_file && !config->kms_plugin) {
        return err_set(err, ERR_INVALID, "--store-key needs --key-file or --kms-plugin: the key has to be somewhere");
    }
    return 0;
}

int config_check(const struct config *config, struct err *err)
{
    if (!config->data_dir) {
        return err_set(err, ERR_INVALID, "--data-dir DIR is missing: where shall jobs be kept?");
    }
    if (config->job_user && config->allow_root_jobs) {
        return err_set(err, ERR_INVALID, "--job-user and --allow-root-jobs exclude each other");
    }
    if (config->listen.count == 0) {
        return err_set(err, ERR_INVALID, "--listen: the list is empty");
    }
    for (size_t i = 0; i < config->pass_env.count; i++) {
        if (strchr(config->pass_env.items[i], '=')) {
            return err_set(err, ERR_INVALID, "--pass-env %s: a variable's name alone, its value is the server's",
                           config->pass_env.items[i]);
        }
    }
    return check_executor(config, err) || check_simulation(config, err) || check_tls(config, err) ||
                   check_keys(config, err)
               ? -1
               : 0;
}

int config_check_user(const struct config *config, bool is_root, struct err *err)
{
    if (strcmp(config->executor, "simulate") == 0 || strcmp(config->executor, "docker") == 0) {
        return 0;
    }
    if (is_root && !config->job_user && !config->allow_root_jobs) {
        return err_set(err, ERR_INVALID,
                       "this server runs as root, and so would every program that a client sends: give --job-user NAME "
                       "for a user they run as, or --allow-root-jobs if root is what you want");
    }
    if (!is_root && config->job_user) {
        return err_set(err, ERR_INVALID, "--job-user %s: only a server run as root can start processes of another user",
                       config->job_user);
    }
    return 0;
}
