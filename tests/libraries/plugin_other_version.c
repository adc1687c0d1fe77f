/* Written for a version of vfe_model.h that this is not. */
#include "vfe_model.h"

int32_t vfe_model_abi(void) {
  return VFE_MODEL_ABI + 1;
}
