/* What a job of the worker takes along to the disk, and brings back. */

#include "daemon/flow/disk.h"

void disk_keys_deinit(struct disk_keys *keys) {
        store_key_deinit(&keys->store);
        keys->passphrase = secret_free(keys->passphrase);
        keys->image = secret_free(keys->image);
}

void disk_look_deinit(struct disk_look *look) {
        disk_keys_deinit(&look->keys);
        look->store = store_free(look->store);
}

void disk_commit_deinit(struct disk_commit *commit) {
        change_free_all(&commit->changes);
        disk_keys_deinit(&commit->keys);
        commit->passphrase = secret_free(commit->passphrase);
        commit->store = store_free(commit->store);
        commit->image = secret_free(commit->image);
        fault_deinit(&commit->postponed);
}
