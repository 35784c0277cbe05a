"""Memory that is freed stays at hand: importing this spares every new array its page faults.

glibc gives large blocks back to the kernel when they are freed, and fetches them anew, page by page, for the
next array. That takes longer than most arithmetic on them: attention over 256 words runs three times as fast
without. How large is large adapts (mallopt(3), M_MMAP_THRESHOLD): it becomes the size of the largest block
freed so far, up to 32 MB. So one is freed here that nothing was ever written to. Other systems' allocators
don't mind.
"""

import numpy as np

np.empty(2**25 - 2**16, np.uint8)
