# SPDX-License-Identifier: GPL-2.0-only
#
# For Makefiles that compile files of the core on the host: all that the kernel's headers say is in one
# header of theirs, but for lists. CORE, SRC and O are theirs, too.

# What the core includes; as old as it is when that is still the same.
$(O)/headers: FORCE
	@mkdir -p $(O)
	@{ printf 'linux/%s.h\n' kernel types compiler; \
		sed -n 's/^#include <\(.*\)>$$/\1/p' $(CORE)/*.[ch] $(SRC)/include/linux/livepatch*.h; \
	} | grep -vx linux/list.h | sort -u >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(O)/include/made: $(lastword $(MAKEFILE_LIST)) $(O)/headers
	@rm -rf $(O)/include
	@while read -r header; do \
		if [ ! -e $(SRC)/include/$$header ] || [ $${header#trace/} != $$header ]; then \
			mkdir -p $(O)/include/$${header%/*} && : >$(O)/include/$$header; \
		fi; \
	done <$(O)/headers
	@touch $@

.PHONY: FORCE
FORCE:
