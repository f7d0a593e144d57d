//! Signing in by published vectors: the specification's and Autobahn's. Wycheproof's are beside the code.

use std::fs;

use serde_json::Value as Json;
use wamp::auth::{Cost, CryptosignChallenge, Kdf, PrivateKey, ScramForm, ScramKeys};

use crate::vectors::folder;

/// One of the files in `auth/`; `None` where they are not at hand, which was said.
fn vectors(file: &str) -> Option<Vec<Json>> {
    let text = fs::read_to_string(folder()?.join("auth").join(file)).unwrap();
    let vectors: Vec<Json> = serde_json::from_str(&text).unwrap();
    assert!(vectors.len() >= 2);
    Some(vectors)
}

fn bytes<const N: usize>(hex: &Json) -> Option<[u8; N]> {
    hex.as_str()
        .map(|hex| hex::decode(hex).unwrap().try_into().unwrap())
}

#[test]
fn cryptosign_signs_the_specifications_challenges_as_it_says() {
    let Some(vectors) = vectors("cryptosign.json") else {
        return;
    };
    for vector in vectors {
        let key = PrivateKey::from_seed(&bytes(&vector["private_key"]).unwrap());
        let channel_id = bytes(&vector["channel_id"]);
        let challenge = CryptosignChallenge {
            bytes: bytes(&vector["challenge"]).unwrap(),
            channel: channel_id.map(|id| ("tls-unique", id)),
        };
        let signature = key.sign(&challenge.extra(), channel_id.as_ref()).unwrap();
        assert_eq!(signature, vector["signature"].as_str().unwrap());
        assert!(key.public_key().verify(&challenge, &signature));
    }
}

#[test]
fn scram_derives_the_keys_that_autobahn_does() {
    let Some(vectors) = vectors("scram.json") else {
        return;
    };
    for vector in vectors {
        let number = |name: &str| u32::try_from(vector[name].as_u64().unwrap()).unwrap();
        assert_eq!(vector["kdf"], "argon2id-13");
        let cost = Cost {
            kdf: Kdf::Argon2id13,
            salt: hex::decode(vector["salt"].as_str().unwrap()).unwrap(),
            iterations: number("iterations"),
            memory: number("memory"),
        };
        let password = vector["password"].as_str().unwrap();
        let keys = ScramKeys::derive(ScramForm::Autobahn, password, cost).unwrap();
        assert_eq!(Some(keys.stored), bytes(&vector["stored_key"]));
        assert_eq!(Some(keys.server), bytes(&vector["server_key"]));
    }
}
