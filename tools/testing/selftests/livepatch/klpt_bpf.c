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
 * The programs are a few instructions each, so there is no need of a compiler for BPF.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static void die(const char *what, int error)
{
	fprintf(stderr, "klpt_bpf: %s: %s\n", what, strerror(error));
	exit(1);
}

/* Load a program that counts in slot 0, or, with a place for it, in that of the returned value. */
static int load(enum bpf_attach_type type, int btf_id, int map, int where)
{
	static char log[65536];
	struct bpf_insn insns[] = {
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
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type,
		    .attach_btf_id = btf_id, .log_level = 1, .log_buf = log,
		    .log_size = sizeof(log));
	int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "klpt", "GPL", insns, ARRAY_SIZE(insns),
			       &opts);

	if (fd < 0) {
		fputs(log, stderr);
		die("loading a program", errno);
	}
	return fd;
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

int main(int argc, char **argv)
{
	const struct btf_type *type;
	struct btf *btf;
	char line[8];
	int id, map;

	if (argc != 2) {
		fprintf(stderr, "usage: klpt_bpf FUNCTION\n");
		return 2;
	}
	btf = btf__load_vmlinux_btf();
	if (!btf)
		die("types of the kernel", errno);
	id = btf__find_by_name_kind(btf, argv[1], BTF_KIND_FUNC);
	if (id < 0)
		die(argv[1], -id);
	type = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);

	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "klpt", sizeof(unsigned int),
			     sizeof(unsigned long long), SLOTS, NULL);
	if (map < 0)
		die("making a map", errno);
	attach(load(BPF_TRACE_FENTRY, id, map, -1));
	attach(load(BPF_TRACE_FEXIT, id, map, 8 * btf_vlen(type)));
	printf("attached\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		show(map);
	return 0;
}
