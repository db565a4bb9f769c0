/** Why a meter did not take an image: reasons in the outcome of a transfer, none of them thrown. */

/** Codes of an image transfer. */
export const IMAGE_ERRORS = {
  IMAGE_NOT_THERE: {
    side: 'remote',
    retry: 'never',
    sentence:
      'The meter shows no image transfer object to this client: check the profile and the rights of the client.',
  },
  IMAGE_DISABLED: {
    side: 'remote',
    retry: 'never',
    sentence: 'Image transfer is switched off in the meter and could not be switched on.',
  },
  IMAGE_BUSY: {
    side: 'remote',
    retry: 'later',
    sentence: 'The meter is busy with another image: try again when it is done.',
  },
  IMAGE_BLOCK_SIZE: {
    side: 'remote',
    retry: 'never',
    sentence:
      'A block of the size that the meter wants fits into no message that it takes, and it allows no other size.',
  },
  IMAGE_INITIATE: {
    side: 'remote',
    retry: 'never',
    sentence: 'The meter refused to begin: check that the image is made for it.',
  },
  IMAGE_BLOCK: { side: 'remote', retry: 'later', sentence: 'The meter refused a block of the image.' },
  IMAGE_NO_PROGRESS: {
    side: 'remote',
    retry: 'later',
    sentence: 'The meter keeps saying that blocks are missing, however often they are sent.',
  },
  IMAGE_VERIFY: {
    side: 'remote',
    retry: 'never',
    sentence:
      'The meter verified the image and found it bad: nothing was activated. Compare the image with the maker’s.',
  },
  IMAGE_VERIFY_TIMEOUT: {
    side: 'remote',
    retry: 'later',
    sentence: 'The meter did not finish verifying the image in time; nothing was activated.',
  },
  IMAGE_OTHER: {
    side: 'remote',
    retry: 'never',
    sentence: 'The meter would activate another image than the one that was sent: nothing was activated.',
  },
  IMAGE_ACTIVATE: {
    side: 'remote',
    retry: 'never',
    sentence: 'The meter refused to activate the image, or its activation failed; it runs what it ran before.',
  },
  IMAGE_ACTIVATE_TIMEOUT: {
    side: 'remote',
    retry: 'later',
    sentence: 'The meter did not confirm the activation in time: read its firmware version to see what it runs.',
  },
  IMAGE_STATE: {
    side: 'remote',
    retry: 'later',
    sentence: 'The meter’s state is not one that this transfer led to: somebody else works on its firmware.',
  },
} as const;

/** A code of {@link IMAGE_ERRORS}. */
export type ImageErrorCode = keyof typeof IMAGE_ERRORS;
