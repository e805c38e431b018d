/* tl_store_tag.h: which version the stored weights descend from, kept behind the blob in its
 * slot where there is room; see FORMAT.md, section 4. */
#ifndef TL_STORE_TAG_H
#define TL_STORE_TAG_H

#include <stdint.h>

#include "tl_store.h"

#define TL_STORE_TAG_BYTES 8 /* behind the blob, from the next TL_FLASH_UNIT on */

/* Of the live slot; 0 where none was written, or power failed before it was. */
uint32_t tl_store_tag(const tl_store_t *store);

/* Tag the live slot, once after it was written. Returns 0, or -1 where there is no room or the
 * flash failed; the weights are as safe as without. */
int tl_store_put_tag(tl_store_t *store, uint32_t version);

#endif
