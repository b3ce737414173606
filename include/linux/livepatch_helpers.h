/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For source code that is going to be turned into a livepatch by klp-build: ways to say in C
 * what an object file alone cannot tell. See Documentation/livepatch/api.rst.
 */
#ifndef _LINUX_LIVEPATCH_HELPERS_H_
#define _LINUX_LIVEPATCH_HELPERS_H_

#include <linux/compiler.h>
#include <linux/livepatch.h>
#include <linux/static_call.h>
#include <linux/syscalls.h>

/* The object that the code being compiled belongs to, as a token. */
#ifdef MODULE
#define KLP_OBJNAME __KBUILD_MODNAME
#else
#define KLP_OBJNAME vmlinux
#endif

/*
 * Leave a pointer to a callback for the build tool. The section is dropped from the patched
 * object; only the tool reads it.
 */
#define __KLP_CALLBACK(type, prefix, func)					\
	extern type __PASTE(prefix, KLP_OBJNAME);				\
	type __used __section(".discard.klp_callback_ptrs")			\
		__PASTE(prefix, KLP_OBJNAME) = (func)

#define KLP_PRE_PATCH_CALLBACK(func)						\
	__KLP_CALLBACK(klp_pre_patch_t, __KLP_PRE_PATCH_PREFIX, func)
#define KLP_POST_PATCH_CALLBACK(func)						\
	__KLP_CALLBACK(klp_post_patch_t, __KLP_POST_PATCH_PREFIX, func)
#define KLP_PRE_UNPATCH_CALLBACK(func)						\
	__KLP_CALLBACK(klp_pre_unpatch_t, __KLP_PRE_UNPATCH_PREFIX, func)
#define KLP_POST_UNPATCH_CALLBACK(func)						\
	__KLP_CALLBACK(klp_post_unpatch_t, __KLP_POST_UNPATCH_PREFIX, func)

/*
 * static_call() for a key that is not exported to modules: an indirect call through the key's
 * current target, since a livepatch's own call site cannot be registered with such a key.
 */
#define KLP_STATIC_CALL(name)							\
	((typeof(STATIC_CALL_TRAMP(name)) *)(STATIC_CALL_KEY(name).func))

/*
 * SYSCALL_DEFINEn() without what must exist once for each system call (metadata, error
 * injection, and __do_sys_NAME, whose name the original keeps).
 */
#define KLP_SYSCALL_DEFINE1(name, ...) KLP_SYSCALL_DEFINEx(1, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE2(name, ...) KLP_SYSCALL_DEFINEx(2, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE3(name, ...) KLP_SYSCALL_DEFINEx(3, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE4(name, ...) KLP_SYSCALL_DEFINEx(4, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE5(name, ...) KLP_SYSCALL_DEFINEx(5, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE6(name, ...) KLP_SYSCALL_DEFINEx(6, _##name, __VA_ARGS__)

#define KLP_SYSCALL_DEFINEx(x, sname, ...) __KLP_SYSCALL_DEFINEx(x, sname, __VA_ARGS__)

#ifdef CONFIG_X86_64
#define __KLP_SYSCALL_DEFINEx(x, name, ...)					\
	static long __se_sys##name(__MAP(x, __SC_LONG, __VA_ARGS__));		\
	static inline long __klp_do_sys##name(__MAP(x, __SC_DECL, __VA_ARGS__));\
	__X64_SYS_STUBx(x, name, __VA_ARGS__)					\
	__IA32_SYS_STUBx(x, name, __VA_ARGS__)					\
	static long __se_sys##name(__MAP(x, __SC_LONG, __VA_ARGS__))		\
	{									\
		long result = __klp_do_sys##name(__MAP(x, __SC_CAST, __VA_ARGS__)); \
										\
		__MAP(x, __SC_TEST, __VA_ARGS__);				\
		__PROTECT(x, result, __MAP(x, __SC_ARGS, __VA_ARGS__));		\
		return result;							\
	}									\
	static inline long __klp_do_sys##name(__MAP(x, __SC_DECL, __VA_ARGS__))
#endif

#endif /* _LINUX_LIVEPATCH_HELPERS_H_ */
