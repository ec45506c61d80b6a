#include "daemon/remote/trust.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>

#include "proto/error.h"

struct trust {
        struct worker *worker; /* borrowed */
        char *file;
        enum trust_state state;
        struct trust_job *job; /* of TRUST_LOADING */
        X509_STORE *store;
        struct fault fault;
        trust_fn ended;
        void *userdata; /* borrowed */
};

struct trust_job {
        struct job job;
        struct trust *trust; /* borrowed; not the worker's to touch */
        char *file;
        X509_STORE *store; /* NULL: it failed */
        int r; /* why: -errno; 0: the file holds no certificate */
};

static void close_filep(FILE **file) {
        if (*file)
                fclose(*file);
}

static bool add_to_store(X509_STORE *store, const X509_INFO *info, size_t *n) {
        if (info->x509 && X509_STORE_add_cert(store, info->x509) != 1)
                return false;
        if (info->crl && X509_STORE_add_crl(store, info->crl) != 1)
                return false;

        *n += info->x509 != NULL;
        return true;
}

/* NULL where it holds no certificate, or something that is none. Like curl, it takes any certificate of the
 * bundle as the end of a chain. */
static X509_STORE *read_store(FILE *file) {
        STACK_OF(X509_INFO) *infos = PEM_X509_INFO_read(file, NULL, NULL, NULL);
        X509_STORE *store = infos ? X509_STORE_new() : NULL;
        bool good = store != NULL;
        size_t n = 0;

        for (int i = 0; good && i < sk_X509_INFO_num(infos); i++)
                good = add_to_store(store, sk_X509_INFO_value(infos, i), &n);

        sk_X509_INFO_pop_free(infos, X509_INFO_free);
        ERR_clear_error();
        if (good && n > 0 && X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN))
                return store;

        X509_STORE_free(store);
        return NULL;
}

static void trust_work(struct job *job) {
        struct trust_job *load = CONTAINER(job, struct trust_job, job);
        _cleanup_(close_filep) FILE *file = fopen(load->file, "re");

        if (!file) {
                load->r = -errno;
                return;
        }

        errno = 0;
        load->store = read_store(file);
        if (!load->store && ferror(file))
                load->r = errno > 0 ? -errno : -EIO;
}

static void trust_job_free(struct job *job) {
        struct trust_job *load = CONTAINER(job, struct trust_job, job);

        X509_STORE_free(load->store);
        free(load->file);
        free(load);
}

static void trust_done(struct job *job) {
        struct trust_job *load = CONTAINER(job, struct trust_job, job);
        struct trust *trust = load->trust;

        trust->job = NULL;
        trust->store = TAKE(load->store);
        trust->state = trust->store ? TRUST_LOADED : TRUST_FAILED;
        if (!trust->store)
                fault_set(&trust->fault, AGENT_ERROR_UNAVAILABLE, "Cannot read the CA certificates in %s: %s",
                          trust->file, load->r ? strerror(-load->r) : "it is no bundle of certificates in PEM");

        trust_job_free(job);
        trust->ended(trust->userdata);
}

static const struct job_type trust_job_type = {
        .work = trust_work,
        .done = trust_done,
        .free = trust_job_free,
};

void trust_load(struct trust *trust) {
        struct trust_job *load = calloc(1, sizeof(*load));
        char *file = strdup(trust->file);

        if (!load || !file) {
                free(load);
                free(file);
                trust->state = TRUST_FAILED;
                fault_set(&trust->fault, -ENOMEM, NULL);
                return;
        }

        load->trust = trust;
        load->file = file;
        trust->state = TRUST_LOADING;
        trust->job = load;
        worker_submit(trust->worker, &load->job, &trust_job_type);
}

int trust_new(struct trust **ret, struct worker *worker, const char *file, trust_fn ended, void *userdata) {
        _cleanup_(trust_freep) struct trust *trust = NULL;

        trust = calloc(1, sizeof(*trust));
        if (!trust)
                return -ENOMEM;

        trust->worker = worker;
        trust->ended = ended;
        trust->userdata = userdata;
        trust->file = strdup(file);
        if (!trust->file)
                return -ENOMEM;

        *ret = TAKE(trust);
        return 0;
}

struct trust *trust_free(struct trust *trust) {
        if (!trust)
                return NULL;

        if (trust->job)
                worker_abandon(trust->worker, &trust->job->job);
        X509_STORE_free(trust->store);
        fault_deinit(&trust->fault);
        free(trust->file);
        free(trust);
        return NULL;
}

enum trust_state trust_state(const struct trust *trust) {
        return trust->state;
}

const char *trust_file(const struct trust *trust) {
        return trust->file;
}

X509_STORE *trust_store(const struct trust *trust) {
        return trust->store;
}

const struct fault *trust_fault(const struct trust *trust) {
        return &trust->fault;
}

static bool is_hash(const char *name) {
        return strspn(name, "0123456789abcdef") == 8 && streq(name + 8, ".0");
}

bool trust_directory_is_hashed(const char *directory) {
        const struct dirent *entry;
        bool found = false;
        DIR *dir;

        dir = opendir(directory);
        if (!dir)
                return false;

        while (!found && (entry = readdir(dir)))
                found = is_hash(entry->d_name);

        closedir(dir);
        return found;
}
