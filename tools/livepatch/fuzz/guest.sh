#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in a guest: klpt-fuzz with RUNS operations and SEED.

cd /ksft/ours/livepatch && KLPT_RUNS=$1 KLPT_SEED=$2 KLPT_LIMIT=300 exec ./klpt-fuzz.sh
