// Reloads the page when its change has moved, and counts the time down. Without it the page is complete.
(() => {
	const live = document.getElementById("live"), left = document.getElementById("left");
	const typing = () => [...document.querySelectorAll("textarea, input[type=password], input[name=count]")].some(f => f.value !== "");
	const look = async () => {
		try {
			const answer = await fetch(live.dataset.status, {headers: {Accept: "application/json"}});
			if (answer.ok && String((await answer.json()).version) !== live.dataset.version && !typing()) location.reload();
		} catch { /* the server is away; the next look may find it */ }
	};
	const count = () => {
		const seconds = Math.max(0, Math.round((new Date(left.dataset.expires) - Date.now()) / 1000));
		left.textContent = seconds === 0 ? "no time left" : seconds < 60 ? seconds + (seconds === 1 ? " second left" : " seconds left")
			: seconds < 7200 ? Math.floor(seconds / 60) + (seconds < 120 ? " minute left" : " minutes left") : Math.floor(seconds / 3600) + " hours left";
	};
	setInterval(look, 2000);
	if (left) setInterval(count, 1000);
})();
