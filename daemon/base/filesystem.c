#include "daemon/base/filesystem.h"

#include <stddef.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "proto/macro.h"

/* Those that <linux/magic.h> lacks. */
#define BCACHEFS_MAGIC 0xca451a4e
#define JFS_MAGIC 0x3153464a
#define ZFS_MAGIC 0x2fc12fc1

bool filesystem_type_is_local(uint64_t type) {
        static const uint64_t local[] = {
                EXT4_SUPER_MAGIC, /* of ext2 and ext3, too */
                XFS_SUPER_MAGIC,   BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, JFS_MAGIC,
                NILFS_SUPER_MAGIC, ZFS_MAGIC,         BCACHEFS_MAGIC,   TMPFS_MAGIC,
        };

        for (size_t i = 0; i < ARRAY_SIZE(local); i++)
                if (type == local[i])
                        return true;

        return false;
}

bool filesystem_is_local(int fd) {
        struct statfs st;

        /* all types have 32 bits; f_type is signed, and may have more */
        return fstatfs(fd, &st) == 0 && filesystem_type_is_local((uint32_t)st.f_type);
}
