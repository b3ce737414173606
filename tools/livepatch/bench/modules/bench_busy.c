// SPDX-License-Identifier: GPL-2.0-only
/*
 * A function that a user task is in nearly all of the time: each write to /proc/bench_busy calls it
 * once. Waits without the TSC and cpu_relax(), which an emulator is slow at.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/proc_fs.h>

#define BUSY_ROUNDS 2000000

noinline void bench_busy_work(void);
void bench_busy_work(void)
{
	unsigned int i;

	for (i = 0; i < BUSY_ROUNDS; i++)
		barrier();
}

static ssize_t bench_busy_write(struct file *file, const char __user *buf, size_t count,
				loff_t *pos)
{
	bench_busy_work();
	return count;
}

static const struct proc_ops bench_busy_ops = {
	.proc_write = bench_busy_write,
};

static int __init bench_busy_init(void)
{
	return proc_create("bench_busy", 0200, NULL, &bench_busy_ops) ? 0 : -ENOMEM;
}
module_init(bench_busy_init);

static void __exit bench_busy_exit(void)
{
	remove_proc_entry("bench_busy", NULL);
}
module_exit(bench_busy_exit);

MODULE_DESCRIPTION("A function with a busy user task in it, for the livepatch benchmark");
MODULE_LICENSE("GPL");
