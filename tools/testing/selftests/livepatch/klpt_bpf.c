// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * BPF programs at the entry and at the exit of a function of the kernel, as BPF tools attach them.
 *
 *	klpt_bpf FUNCTION
 *
 * attaches both and says so. Then each line on standard input is answered with the number of calls
 * seen, and the number of returns by value: "entry 5 exit 2:3 4:2". Ends, and so detaches them, at
 * the end of its input.
 *
 *	klpt_bpf sleep CHANNEL
 *
 * has a program at the entry of bpf_fentry_test1(), which the kernel has for tests, sleep in a
 * channel of klpt_lib, and tells whether the call then got to the original: "original" or "other".
 *
 * The programs are a few instructions each, so there is no need of a compiler for BPF.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>
#include "../kselftest.h"

#define VALUES	64
/* Counters in the map: entries, then exits by the value that was returned. */
#define SLOTS	(1 + VALUES)

#define INSN(op, dst, src, offset, number) \
	((struct bpf_insn) { .code = (op), .dst_reg = (dst), .src_reg = (src), \
			     .off = (offset), .imm = (number) })

/* What the verifier says of a program. */
static char log[65536];

static void die(const char *what, int error)
{
	fprintf(stderr, "klpt_bpf: %s: %s\n", what, strerror(error));
	exit(1);
}

static int load(enum bpf_attach_type type, int btf_id, unsigned int flags,
		const struct bpf_insn *insns, size_t nr)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type,
		    .attach_btf_id = btf_id, .prog_flags = flags, .log_level = 1, .log_buf = log,
		    .log_size = sizeof(log));
	int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "klpt", "GPL", insns, nr, &opts);

	if (fd < 0) {
		fputs(log, stderr);
		die("loading a program", errno);
	}
	return fd;
}

/* A program that counts in slot 0, or, with a place for it, in that of the returned value. */
static int load_counter(enum bpf_attach_type type, int btf_id, int map, int where)
{
	const struct bpf_insn insns[] = {
		/* r6 = 0, or the argument behind those of the function, what it returned */
		where < 0 ? INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_6, 0, 0, 0) :
			    INSN(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_6, BPF_REG_1, where, 0),
		INSN(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_6, 0, 0, VALUES - 1),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_6, 0, 0, where >= 0),
		/* the key on the stack, and its counter */
		INSN(BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, BPF_REG_6, -4, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4),
		INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 2, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_1, 0, BPF_ADD),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return load(type, btf_id, 0, insns, ARRAY_SIZE(insns));
}

/*
 * A program that reads a word of this process at a place that makes it sleep. It does so as for
 * another process: no exception is taken in it, which unwinders do not like.
 */
static int load_sleeper(int btf_id, const void *place)
{
	unsigned long long address = (unsigned long)place;
	const struct bpf_insn insns[] = {
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_current_task_btf),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_4, BPF_REG_0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, -8),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, 8),
		INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_3, 0, 0, (int)address),
		INSN(0, 0, 0, 0, address >> 32),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_5, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_copy_from_user_task),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return load(BPF_TRACE_FENTRY, btf_id, BPF_F_SLEEPABLE, insns, ARRAY_SIZE(insns));
}

static void attach(int program)
{
	if (bpf_raw_tracepoint_open(NULL, program) < 0)
		die("attaching a program", errno);
}

static void show(int map)
{
	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		unsigned long long count;

		if (bpf_map_lookup_elem(map, &slot, &count))
			die("reading a counter", errno);
		if (!slot)
			printf("entry %llu exit", count);
		else if (count)
			printf(" %u:%llu", slot - 1, count);
	}
	printf("\n");
	fflush(stdout);
}

static int find(const struct btf *btf, const char *function)
{
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);

	if (id < 0)
		die(function, -id);
	return id;
}

static int sleep_in(const struct btf *btf, int channel)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	long size = sysconf(_SC_PAGESIZE);
	int pages = open("/proc/klpt/pages", O_RDWR);
	void *place = MAP_FAILED;
	int program;

	if (pages >= 0)
		place = mmap(NULL, size, PROT_READ, MAP_SHARED, pages, channel * size);
	if (place == MAP_FAILED)
		die("/proc/klpt/pages", errno);
	program = load_sleeper(find(btf, "bpf_fentry_test1"), place);
	attach(program);
	/* The caller of that function fails when the result is another one. */
	if (!bpf_prog_test_run_opts(program, &opts))
		printf("original\n");
	else if (errno == EFAULT)
		printf("other\n");
	else
		die("calling bpf_fentry_test1", errno);
	return 0;
}

int main(int argc, char **argv)
{
	const struct btf_type *type;
	struct btf *btf;
	char line[8];
	int id, map;

	if (argc != 2 && (argc != 3 || strcmp(argv[1], "sleep"))) {
		fprintf(stderr, "usage: klpt_bpf FUNCTION | sleep CHANNEL\n");
		return 2;
	}
	btf = btf__load_vmlinux_btf();
	if (!btf)
		die("types of the kernel", errno);
	if (argc == 3)
		return sleep_in(btf, atoi(argv[2]));
	id = find(btf, argv[1]);
	type = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);

	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "klpt", sizeof(unsigned int),
			     sizeof(unsigned long long), SLOTS, NULL);
	if (map < 0)
		die("making a map", errno);
	attach(load_counter(BPF_TRACE_FENTRY, id, map, -1));
	attach(load_counter(BPF_TRACE_FEXIT, id, map, 8 * btf_vlen(type)));
	printf("attached\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		show(map);
	return 0;
}
