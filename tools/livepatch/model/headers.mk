# SPDX-License-Identifier: GPL-2.0-only
#
# For Makefiles that compile files of the core on the host: all that the kernel's headers say is in one
# header of theirs, but for lists. CORE, SRC and O are theirs, too.

$(O)/include/made: $(lastword $(MAKEFILE_LIST))
	@rm -rf $(O)/include
	@{ printf 'linux/%s.h\n' kernel types compiler; \
		sed -n 's/^#include <\(.*\)>$$/\1/p' $(CORE)/*.[ch] $(SRC)/include/linux/livepatch*.h; \
	} | grep -vx linux/list.h | while read -r header; do \
		if [ ! -e $(SRC)/include/$$header ] || [ $${header#trace/} != $$header ]; then \
			mkdir -p $(O)/include/$${header%/*} && : >$(O)/include/$$header; \
		fi; \
	done
	@touch $@
