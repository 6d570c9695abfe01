"""The SDK's enumerations, with the mobile SDK's names in Python's spelling."""

from enum import StrEnum


class UCLoginServerConnectionStatus(StrEnum):
    """Whether phone services are ready: only `CONNECTED` means that a call would go through."""

    IDLE = "Idle"
    CONNECTING = "Connecting"
    CONNECTED = "Connected"
    DISCONNECTED = "Disconnected"
    FAILED = "Failed"


class CallingType(StrEnum):
    """Which kind of calling a person has; at most one."""

    WEBEX_FOR_BROADWORKS = "WebexForBroadworks"
    WEBEX_CALLING = "WebexCalling"
    CUCM = "CUCM"
    NONE = "NONE"


class PhoneConnectionResult(StrEnum):
    """Whether signing in to or out of phone services was begun."""

    NOT_SUPPORTED = "NotSupported"
    INTERNAL_ERROR = "InternalError"
    NO_ERROR = "NoError"


class PushNotificationResult(StrEnum):
    """What came of a push message.

    `NO_ERROR`: the app was told of the call. `INTERNAL_ERROR`: the call did not come while it
    could have, and the cloud does not say why.
    """

    INTERNAL_ERROR = "InternalError"
    NO_ERROR = "NoError"
    NOT_WEBEX_CALLING_PUSH = "NotWebexCallingPush"
    EMPTY_MESSAGE = "EmptyMessage"
    MAX_INCOMING_CALL_LIMIT_REACHED = "MaxIncomingCallLimitReached"


class RingerType(StrEnum):
    """Which tone to start or stop."""

    INCOMING = "Incoming"
    OUTGOING = "Outgoing"
    BUSY_TONE = "BusyTone"
    RECONNECT = "Reconnect"
    NOT_FOUND = "NotFound"
    CALL_WAITING = "CallWaiting"
    UNDEFINED = "Undefined"


class SendingAudioChangeResult(StrEnum):
    """What came of muting or unmuting."""

    SUCCESS = "Success"
    FAILED = "Failed"
    NOT_ALLOWED = "NotAllowed"


class CallAssociationType(StrEnum):
    """What a call that is begun from another one is meant for; it may be used for either."""

    UNDEFINED = "Undefined"
    TRANSFER = "Transfer"
    MERGE = "Merge"


class DirectTransferResult(StrEnum):
    """What came of a direct transfer.

    `NOT_SUPPORTED`: a conference cannot be transferred. `INTERNAL_ERROR` is one of the guide's
    words and never comes: what fails is raised.
    """

    NOT_SUPPORTED = "NotSupported"
    INTERNAL_ERROR = "InternalError"
    NO_ERROR = "NoError"


class UCLoginFailureReason(StrEnum):
    """Why the sign-in to the calling service failed."""

    INTERNAL_ERROR = "InternalError"
    NONE = "None"
    UNKNOWN = "Unknown"
    INVALID_LIFE_CYCLE_STATE = "InvalidLifeCycleState"
    INVALID_CERT_REJECTED = "InvalidCertRejected"
    SSO_PAGE_LOAD_ERROR = "SSOPageLoadError"
    SSO_START_SESSION_ERROR = "SSOStartSessionError"
    SSO_UNKNOWN_ERROR = "SSOUnknownError"
    SSO_CANCELLED = "SSOCancelled"
    SSO_WEBEX_CLOUD_ERROR = "SSOWebexCloudError"
    SSO_CERTIFICATE_ERROR = "SSOCertificateError"
    SSO_WHO_AM_I_FAILURE = "SSOWhoAmIFailure"
    SSO_SESSION_EXPIRED = "SSOSessionExpired"
    INVALID_BROWSER_RESPONSE = "InvalidBrowserResponse"
    CREDENTIALS_REQUIRED = "CredentialsRequired"
    COMMON_IDENTITY_PROVISIONING_USER = "CommonIdentityProvisioningUser"
    SERVICE_DISCOVERY_FAILURE = "ServiceDiscoveryFailure"
    SERVICE_DISCOVERY_AUTHENTICATION_FAILURE = "ServiceDiscoveryAuthenticationFailure"
    SERVICE_DISCOVERY_CANNOT_CONNECT_TO_CUCM_SERVER = "ServiceDiscoveryCannotConnectToCucmServer"
    SERVICE_DISCOVERY_NO_CUCM_CONFIGURATION = "ServiceDiscoveryNoCucmConfiguration"
    SERVICE_DISCOVERY_NO_SRV_RECORDS_FOUND = "ServiceDiscoveryNoSRVRecordsFound"
    SERVICE_DISCOVERY_CANNOT_CONNECT_TO_EDGE = "ServiceDiscoveryCannotConnectToEdge"
    SERVICE_DISCOVERY_NO_NETWORK_CONNECTIVITY = "ServiceDiscoveryNoNetworkConnectivity"
    SERVICE_DISCOVERY_UNTRUSTED_CERTIFICATE = "ServiceDiscoveryUntrustedCertificate"
    SERVICE_DISCOVERY_PRIMARY_AUTH_CHANGED = "ServiceDiscoveryPrimaryAuthChanged"
    SERVICE_DISCOVERY_NO_USER_LOOKUP = "ServiceDiscoveryNoUserLookup"
    SERVICE_DISCOVERY_AUTHORIZATION_MODE_CHANGED = "ServiceDiscoveryAuthorizationModeChanged"
    SERVICE_DISCOVERY_HOME_CLUSTER_CHANGED = "ServiceDiscoveryHomeClusterChanged"
    CONNECTION_FAILED_BY_MRA_POLICY = "ConnectionFailedByMRAPolicy"
    INVALID_LOGIN_CREDENTIALS = "InvalidLoginCredentials"
    TOKEN_FAILURE = "TokenFailure"  # noqa: S105 - a reason, not a token
    FORCED_SIGN_OUT = "ForcedSignOut"
    IPC_NOT_RESPONDING = "IPCNotResponding"
    BROADWORKS_DEVICE_FAILURE = "BroadWorksDeviceFailure"
    BROADWORKS_SIGN_IN_FAILURE = "BroadWorksSignInFailure"
    BROADWORKS_CONFIG_DOWNLOAD_FAILURE = "BroadWorksConfigDownloadFailure"
    BROADWORKS_SSO_CANCELED = "BroadWorksSSOCanceled"
    BROADWORKS_INVALID_SIP_USER = "BroadWorksInvalidSipUser"
    BROADWORKS_SIP_AUTHENTICATION_ERROR = "BroadWorksSipAuthenticationError"
    BROADWORKS_XSI_AUTHENTICATION_ERROR = "BroadWorksXsiAuthenticationError"


class UCSSOFailureReason(StrEnum):
    """Why single sign-on failed."""

    INVALID_CREDENTIALS = "InvalidCredentials"
    SESSION_EXPIRED = "SessionExpired"
    REFRESH_TOKEN_ABOUT_TO_EXPIRE = "RefreshTokenAboutToExpire"  # noqa: S105


class PhoneServiceRegistrationFailureReason(StrEnum):
    """Why phone services are not connected; `NONE` means no failure."""

    UNKNOWN = "Unknown"
    NONE = "None"
    REGISTERING = "Registering"
    WAITING_FOR_CONFIG_FILE = "WaitingForConfigFile"
    NOT_STARTED = "NotStarted"
    NO_NETWORK = "NoNetwork"
    FAILOVER = "Failover"
    FALLBACK = "Fallback"
    REG_ALL_FAILED = "RegAllFailed"
    SHUTDOWN = "Shutdown"
    LOGOUT_RESET = "LogoutReset"
    INVALID_CREDENTIALS = "InvalidCredentials"
    NO_CREDENTIALS_CONFIGURED = "NoCredentialsConfigured"
    PHONE_AUTHENTICATION_FAILURE = "PhoneAuthenticationFailure"
    PHONE_AUTHENTICATION_REQUIRED = "PhoneAuthenticationRequired"
    LINE_REGISTRATION_FAILURE = "LineRegistrationFailure"
    REGISTERED_ELSEWHERE = "RegisteredElsewhere"
    NO_REMOTE_DESTINATION_AVAILABLE = "NoRemoteDestinationAvailable"
    COULD_NOT_ACTIVATE_REMOTE_DESTINATION = "CouldNotActivateRemoteDestination"
    NO_DEVICE_CONFIGURED = "NoDeviceConfigured"
    INVALID_CONFIG = "InvalidConfig"
    COULD_NOT_CONNECT = "CouldNotConnect"
    DEVICE_NOT_IN_SERVICE = "DeviceNotInService"
    DEVICE_REG_TIMED_OUT = "DeviceRegTimedOut"
    DEVICE_REG_DEVICE_ALREADY_REGISTERED = "DeviceRegDeviceAlreadyRegistered"
    DEVICE_REG_COULD_NOT_CONNECT = "DeviceRegCouldNotConnect"
    DEVICE_REG_NO_DEVICES_FOUND = "DeviceRegNoDevicesFound"
    DEVICE_REG_AUTHENTICATION_FAILURE = "DeviceRegAuthenticationFailure"
    DEVICE_REG_SELECTED_DEVICE_NOT_FOUND = "DeviceRegSelectedDeviceNotFound"
    DEVICE_REG_SELECTED_LINE_NOT_FOUND = "DeviceRegSelectedLineNotFound"
    DEVICE_REG_COULD_NOT_OPEN_DEVICE = "DeviceRegCouldNotOpenDevice"
    DEVICE_REG_COULD_NOT_OPEN_LINE = "DeviceRegCouldNotOpenLine"
    DEVICE_NOT_AUTHORISED = "DeviceNotAuthorised"
    TLS_FAILURE = "TLSFailure"
    IP_MODE_MISMATCH = "IpModeMismatch"
    HOST_RESOLUTION_FAILURE = "HostResolutionFailure"
    SERVER_ERROR = "ServerError"
    REQUIRE_STORAGE_HELPER = "RequireStorageHelper"
    DEVICE_CONFIGURATION_RETRIEVAL_TIMED_OUT = "DeviceConfigurationRetrievalTimedOut"
    EDGE_PHONE_MODE_NOT_SUPPORTED = "EdgePhoneModeNotSupported"
    EDGE_IP_MODE_NOT_SUPPORTED = "EdgeIpModeNotSupported"
    NO_HTTP_HELPER_AVAILABLE = "NoHttpHelperAvailable"
    CTI_UNABLE_TO_VERIFY_CERTIFICATE = "CTIUnableToVerifyCertificate"
    FIPS_NO_CERTIFICATE_VERIFIER = "FIPSNoCertificateVerifier"
    NO_CERTIFICATE_VERIFIER = "NoCertificateVerifier"
    P2P_HYBRID_NOT_SUPPORTED = "P2PHybridNotSupported"
    DISABLED_BY_MRA_POLICY = "DisabledByMRAPolicy"
    DEVICE_MAX_CONNECTION_REACHED = "DeviceMaxConnectionReached"
    ULTRASOUND_CAPTURER_OCCUPIED = "UltrasoundCapturerOccupied"
    DIRECTORY_LOGIN_NOT_ALLOWED = "DirectoryLoginNotAllowed"
