#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in a guest with a stock kernel: klpt-klp, if the kernel is one.

debug=/sys/kernel/debug/livepatch

if [[ -e $debug ]]; then
	echo "not ok - $debug is there: this is no stock kernel"
	exit 1
fi
cd /ksft/ours/livepatch && exec ./klpt-klp.sh
