//! Registration with everything that belongs to it.

use tim_client::UserProfile;

use super::Service;
use crate::model::Trouble;

impl Service {
    /// Creates an account, signs in to it, and tells others what to call this person.
    ///
    /// # Errors
    /// 4101 the name is taken, 4104 name or password not acceptable; see [`Trouble`].
    pub async fn sign_up(
        &self,
        name: &str,
        nickname: &str,
        password: &str,
        remember: bool,
    ) -> Result<(), Trouble> {
        self.register(name, password).await?;
        self.sign_in(name, password, remember).await?;
        let profile = UserProfile::new().with_name(name).with_nickname(nickname);
        self.save_profile(profile).await
    }
}
