#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/filesystem.h"
#include "proto/macro.h"

static const struct {
        const char *name;
        uint64_t type;
        bool local;
} types[] = {
        {"ext2, ext3, ext4", 0xef53, true},
        {"xfs", 0x58465342, true},
        {"btrfs", 0x9123683e, true},
        {"f2fs", 0xf2f52010, true},
        {"jfs", 0x3153464a, true},
        {"nilfs2", 0x3434, true},
        {"zfs", 0x2fc12fc1, true},
        {"bcachefs", 0xca451a4e, true},
        {"tmpfs", 0x01021994, true},

        {"nfs", 0x6969, false},
        {"smb", 0x517b, false},
        {"cifs", 0xff534d42, false},
        {"smb2", 0xfe534d42, false},
        {"ceph", 0x00c36400, false},
        {"lustre", 0x0bd00bd0, false},
        {"gpfs", 0x47504653, false},
        {"beegfs", 0x19830326, false},
        {"panfs", 0xaad7aaea, false},
        {"gfs2", 0x01161970, false},
        {"ocfs2", 0x7461636f, false},
        {"9p", 0x01021997, false},
        {"afs", 0x5346414f, false},
        {"coda", 0x73757245, false},
        {"fuse", 0x65735546, false},
        {"overlayfs", 0x794c7630, false},
        {"ecryptfs", 0xf15f, false},
        {"vboxsf", 0x786f4256, false},
        {"none", 0, false},
        {"unknown", 0x12345678, false},
        {"ext4 with more bits", UINT64_C(0x10000ef53), false},
};

static void test_types(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if (filesystem_type_is_local(types[i].type) != types[i].local)
                        fail_msg("%s", types[i].name);
}

static void test_descriptors(void **state) {
        int memory = memfd_create("local", MFD_CLOEXEC), processes = open("/proc/self", O_PATH | O_CLOEXEC);

        assert_true(memory >= 0 && processes >= 0);
        assert_true(filesystem_is_local(memory)); /* of tmpfs */
        assert_false(filesystem_is_local(processes));
        close(memory);
        close(processes);
        assert_false(filesystem_is_local(-1));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_types),
                cmocka_unit_test(test_descriptors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
