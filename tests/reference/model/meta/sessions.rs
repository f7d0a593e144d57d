//! `wamp.session.*`: who is there, and how they are made to leave.

use super::super::super::json::{Json, json, set};
use super::super::session::{Heard, Session};
use super::super::{Refusal, Router, check, refuse};
use super::{Arguments, invalid, result};

impl Router {
    pub(super) fn call_sessions(
        &mut self,
        from: u64,
        name: &str,
        given: &Arguments,
    ) -> Option<Result<Vec<Json>, Refusal>> {
        Some(match name {
            "count" => self.listed(given).and_then(|ids| result(json!(ids.len()))),
            "list" => self.listed(given).and_then(|ids| result(set(&ids))),
            "get" => self.get_session(given),
            "kill" | "kill_by_authid" | "kill_by_authrole" | "kill_all" => {
                self.kill(from, name, given)
            }
            _ => return None,
        })
    }

    /// Who may not end other sessions may not take from them either.
    pub(super) fn check_may_kill(&self, who: u64) -> Result<(), Refusal> {
        check(self.session(who).may_kill, "wamp.error.not_authorized")
    }

    fn listed(&self, given: &Arguments) -> Result<Vec<u64>, Refusal> {
        let roles = match given.args.first() {
            None | Some(Json::Null) => None,
            Some(Json::Array(roles)) if roles.iter().all(Json::is_string) => Some(roles),
            Some(_) => return invalid(),
        };
        let is_listed =
            |session: &&Session| roles.is_none_or(|roles| roles.contains(&json!(session.authrole)));
        Ok(self
            .present()
            .filter(is_listed)
            .map(|session| session.id)
            .collect())
    }

    fn get_session(&self, given: &Arguments) -> Result<Vec<Json>, Refusal> {
        let id = given.id(0)?;
        match self.find_session(id).filter(|_| self.is_there(id)) {
            Some(session) => result(session.details()),
            None => refuse("wamp.error.no_such_session"),
        }
    }

    fn kill(&mut self, from: u64, name: &str, given: &Arguments) -> Result<Vec<Json>, Refusal> {
        if name.starts_with("kill_by_") {
            given.text(0)?;
        }
        self.check_may_kill(from)?;
        let others = self.present().filter(|session| session.id != from);
        let victims: Vec<u64> = match name {
            "kill" => {
                let id = given.id(0)?;
                others
                    .filter(|session| session.id == id)
                    .map(|session| session.id)
                    .collect()
            }
            "kill_by_authid" => {
                let authid = given.text(0)?;
                others
                    .filter(|session| session.authid == authid)
                    .map(|session| session.id)
                    .collect()
            }
            "kill_by_authrole" => {
                let authrole = given.text(0)?;
                others
                    .filter(|session| session.authrole == authrole)
                    .map(|session| session.id)
                    .collect()
            }
            _ => others.map(|session| session.id).collect(),
        };
        let reason = given.kwargs["reason"]
            .as_str()
            .unwrap_or("wamp.close.killed")
            .to_owned();
        self.check_uri(&reason, "exact")?;
        if name == "kill" && victims.is_empty() {
            return refuse("wamp.error.no_such_session");
        }
        let mut details = json!({});
        if let Some(message) = given.kwargs["message"].as_str() {
            details["message"] = json!(message);
        }
        let is_one_of_many = victims.len() > 1;
        let heard = match name {
            "kill_all" => Heard::ByNobody,
            _ if is_one_of_many => Heard::AmongOthers,
            _ => Heard::ByAll,
        };
        for victim in &victims {
            self.send_goodbye(*victim, json!([6, details, reason]), is_one_of_many);
            self.session_mut(*victim).is_mute = true;
        }
        self.ends_many = is_one_of_many;
        for victim in &victims {
            let deadline = self.deadline(2_000);
            self.session_mut(*victim).dismissed = Some(deadline);
            self.leave(*victim, heard);
        }
        self.ends_many = false;
        self.begin_chain();
        match name {
            "kill" => Ok(Vec::new()),
            "kill_by_authid" => result(set(&victims)),
            _ => result(json!(victims.len())),
        }
    }
}
