/* Has the version and nothing more. */
#include "vfe_model.h"

int32_t vfe_model_abi(void) {
  return VFE_MODEL_ABI;
}
