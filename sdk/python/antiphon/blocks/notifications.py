"""Blocks that send messages to people, by Apprise. They need `antiphon[notifications]`."""

from typing import Any, Literal

from pydantic import AnyHttpUrl, Field, SecretStr

from antiphon.blocks.abstract import NotificationBlock, NotificationError
from antiphon.blocks.apprise_sending import (
    AbstractAppriseNotificationBlock,
    AppriseNotificationBlock,
    from_native_url,
    plugin,
)
from antiphon.blocks.custom_webhook import CustomWebhookNotificationBlock

__all__ = [
    "AbstractAppriseNotificationBlock",
    "AppriseNotificationBlock",
    "CustomWebhookNotificationBlock",
    "DiscordWebhook",
    "MattermostWebhook",
    "MicrosoftTeamsWebhook",
    "NotificationBlock",
    "NotificationError",
    "OpsgenieWebhook",
    "PagerDutyWebHook",
    "SendgridEmail",
    "SlackWebhook",
    "TwilioSMS",
]

NotifyType = Literal["info", "success", "warning", "failure"]


class SlackWebhook(AppriseNotificationBlock):
    """Sends messages to a channel of Slack.

    Example:
        ```python
        from antiphon.blocks.notifications import SlackWebhook

        SlackWebhook.load("my-channel").notify("The report is ready.")
        ```
    """

    _block_type_name = "Slack Webhook"

    url: SecretStr = Field(
        title="Webhook URL",
        description="The incoming webhook of Slack.",
        examples=["https://hooks.slack.com/services/XXX/XXX/XXX"],
    )


class MicrosoftTeamsWebhook(AppriseNotificationBlock):
    """Sends messages to a channel of Microsoft Teams.

    Example:
        ```python
        from antiphon.blocks.notifications import MicrosoftTeamsWebhook

        MicrosoftTeamsWebhook.load("my-channel").notify("The report is ready.")
        ```
    """

    _block_type_name = "Microsoft Teams Webhook"
    _block_type_slug = "ms-teams-webhook"

    url: SecretStr = Field(
        title="Webhook URL",
        description="The URL of the Power Automate workflow.",
        examples=["https://prod-NO.LOCATION.logic.azure.com:443/workflows/WFID/triggers/manual/paths/invoke"],
    )
    include_image: bool = Field(default=True, description="Whether an image goes along.")
    wrap: bool = Field(default=True, description="Whether long lines are wrapped.")

    def _service(self) -> Any:
        return from_native_url("workflows", self.url, include_image=self.include_image, wrap=self.wrap)


class PagerDutyWebHook(AbstractAppriseNotificationBlock):
    """Sends events to PagerDuty.

    Example:
        ```python
        from antiphon.blocks.notifications import PagerDutyWebHook

        PagerDutyWebHook.load("on-call").notify("The report failed.")
        ```
    """

    _block_type_name = "Pager Duty Webhook"
    _block_type_slug = "pager-duty-webhook"

    notify_type: NotifyType = Field(default="info", description="The severity of the notification.")
    integration_key: SecretStr = Field(description="The routing key of the Events API V2 integration.")
    api_key: SecretStr = Field(title="API Key", description="The key under Integrations.")
    source: str | None = Field(default="Antiphon", description="Where the event is from.")
    component: str = Field(default="Notification", description="Which part of that.")
    group: str | None = Field(default=None, description="The group that the part belongs to.")
    class_id: str | None = Field(default=None, title="Class ID", description="The class of the event.")
    region_name: Literal["us", "eu"] = Field(default="us", description="The region of the service.")
    clickable_url: AnyHttpUrl | None = Field(default=None, title="Clickable URL", description="A link in the notice.")
    include_image: bool = Field(default=True, description="Whether an icon shows the kind of notification.")
    custom_details: dict[str, str] | None = Field(
        default=None, description="Further details.", examples=['{"disk_space_left": "145GB"}']
    )

    def _service(self) -> Any:
        return plugin(
            "pagerduty",
            apikey=self.api_key.get_secret_value(),
            integrationkey=self.integration_key.get_secret_value(),
            source=self.source,
            component=self.component,
            group=self.group,
            class_id=self.class_id,
            region_name=self.region_name,
            click=str(self.clickable_url) if self.clickable_url is not None else None,
            include_image=self.include_image,
            details=self.custom_details,
        )


class TwilioSMS(AbstractAppriseNotificationBlock):
    """Sends text messages by Twilio.

    Example:
        ```python
        from antiphon.blocks.notifications import TwilioSMS

        TwilioSMS.load("on-call").notify("The report failed.")
        ```
    """

    _block_type_name = "Twilio SMS"
    _block_type_slug = "twilio-sms"

    account_sid: str = Field(description="The account SID on Twilio's console.")
    auth_token: SecretStr = Field(description="The authentication token on Twilio's console.")
    from_phone_number: str = Field(description="The number to send from.", examples=["18001234567"])
    to_phone_numbers: list[str] = Field(description="The numbers to send to.", examples=['["18004242424"]'])

    def _service(self) -> Any:
        return plugin(
            "twilio",
            account_sid=self.account_sid,
            auth_token=self.auth_token.get_secret_value(),
            source=self.from_phone_number,
            targets=self.to_phone_numbers,
        )


class OpsgenieWebhook(AbstractAppriseNotificationBlock):
    """Sends alerts to Opsgenie.

    Example:
        ```python
        from antiphon.blocks.notifications import OpsgenieWebhook

        OpsgenieWebhook.load("on-call").notify("The report failed.")
        ```
    """

    _block_type_name = "Opsgenie Webhook"
    _block_type_slug = "opsgenie-webhook"

    apikey: SecretStr = Field(title="API Key", description="The key of the Opsgenie account.")
    target_user: list[str] | None = Field(default=None, description="The users to notify.")
    target_team: list[str] | None = Field(default=None, description="The teams to notify.")
    target_schedule: list[str] | None = Field(default=None, description="The schedules to notify.")
    target_escalation: list[str] | None = Field(default=None, description="The escalations to notify.")
    region_name: Literal["us", "eu"] = Field(default="us", description="The region of the service.")
    batch: bool = Field(default=False, description="Whether all targets are notified at once.")
    tags: list[str] | None = Field(default=None, description="Tags of the alert.", examples=['["tag1", "tag2"]'])
    priority: int | None = Field(default=3, description="From 1 (low) to 5 (emergency).")
    alias: str | None = Field(default=None, description="The alias of the alert.")
    entity: str | None = Field(default=None, description="What the alert is about.")
    details: dict[str, str] | None = Field(
        default=None, description="Further details.", examples=['{"key1": "value1", "key2": "value2"}']
    )

    def _service(self) -> Any:
        marked = {
            "@": self.target_user,
            "#": self.target_team,
            "*": self.target_schedule,
            "^": self.target_escalation,
        }
        return plugin(
            "opsgenie",
            apikey=self.apikey.get_secret_value(),
            targets=[f"{mark}{name}" for mark, names in marked.items() for name in names or ()],
            region_name=self.region_name,
            details=self.details,
            priority=self.priority,
            alias=self.alias,
            entity=self.entity,
            batch=self.batch,
            tags=self.tags,
        )


class MattermostWebhook(AbstractAppriseNotificationBlock):
    """Sends messages to channels of Mattermost.

    Example:
        ```python
        from antiphon.blocks.notifications import MattermostWebhook

        MattermostWebhook.load("my-channel").notify("The report is ready.")
        ```
    """

    _block_type_name = "Mattermost Webhook"
    _block_type_slug = "mattermost-webhook"

    hostname: str = Field(description="The host of the Mattermost server.", examples=["mattermost.example.com"])
    secure: bool = Field(default=False, description="Whether to use https.")
    token: SecretStr = Field(description="The token of the webhook.")
    botname: str | None = Field(default=None, title="Bot name", description="By which name the message is sent.")
    channels: list[str] | None = Field(default=None, description="The channels to send to.")
    include_image: bool = Field(default=False, description="Whether an image shows the kind of notification.")
    path: str | None = Field(default=None, description="What follows the host in the URL.")
    port: int = Field(default=8065, description="The port of the Mattermost server.")

    def _service(self) -> Any:
        return plugin(
            "mmosts" if self.secure else "mmost",
            token=self.token.get_secret_value(),
            fullpath=self.path,
            host=self.hostname,
            user=self.botname,
            targets=self.channels,
            include_image=self.include_image,
            port=self.port,
            secure=self.secure,
        )


class DiscordWebhook(AbstractAppriseNotificationBlock):
    """Sends messages to a channel of Discord.

    Example:
        ```python
        from antiphon.blocks.notifications import DiscordWebhook

        DiscordWebhook.load("my-channel").notify("The report is ready.")
        ```
    """

    _block_type_name = "Discord Webhook"
    _block_type_slug = "discord-webhook"

    webhook_id: SecretStr = Field(description="The first of the two tokens of the webhook.")
    webhook_token: SecretStr = Field(description="The second of them.")
    botname: str | None = Field(default=None, title="Bot name", description="By which name the message is sent.")
    tts: bool = Field(default=False, description="Whether the message is spoken.")
    include_image: bool = Field(default=False, description="Whether an image shows the kind of notification.")
    avatar: bool = Field(default=False, description="Whether the bot's picture is replaced.")
    avatar_url: str | None = Field(default=None, title="Avatar URL", description="The picture to use for that.")

    def _service(self) -> Any:
        return plugin(
            "discord",
            webhook_id=self.webhook_id.get_secret_value(),
            webhook_token=self.webhook_token.get_secret_value(),
            user=self.botname,
            tts=self.tts,
            include_image=self.include_image,
            avatar=self.avatar,
            avatar_url=self.avatar_url,
        )


class SendgridEmail(AbstractAppriseNotificationBlock):
    """Sends mail by Sendgrid.

    Example:
        ```python
        from antiphon.blocks.notifications import SendgridEmail

        SendgridEmail.load("team").notify("The report is ready.", subject="Report")
        ```
    """

    _block_type_name = "Sendgrid Email"
    _block_type_slug = "sendgrid-email"

    api_key: SecretStr = Field(title="API Key", description="The key of the Sendgrid account.")
    sender_email: str = Field(title="Sender email id", description="The address to send from.")
    to_emails: list[str] = Field(title="Recipient emails", description="The addresses to send to.")

    def _service(self) -> Any:
        return plugin(
            "sendgrid",
            apikey=self.api_key.get_secret_value(),
            from_email=self.sender_email,
            targets=self.to_emails,
        )
